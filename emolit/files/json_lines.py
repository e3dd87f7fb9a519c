"""Rows as JSON, one a line."""

import json
import re
from collections.abc import Mapping
from typing import Any

ESCAPED = re.compile("[\x85\u2028\u2029\ud800-\udfff]")
"""Line breaks that JSON leaves as they are and ``str.splitlines`` does not; and halves of letters,
as names of files in no Unicode have them, which no file takes."""


def json_line(row: Mapping[str, Any]) -> str:
    r"""Return a row as one line, with its end.

    Args:
        row: Numbers are finite; None stands for those that are not there.

    Raises:
        ValueError: A number is not finite.

    Example:
        >>> json_line({"answer": "traurig, müde\u2028"})
        '{"answer": "traurig, müde\\u2028"}\n'
    """
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    return ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"
