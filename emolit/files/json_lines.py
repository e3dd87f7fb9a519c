"""Rows as JSON, one a line."""

import json
from collections.abc import Mapping
from typing import Any

BREAKS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"}
"""Line breaks that JSON leaves as they are and ``str.splitlines`` does not."""
HALVES = {number: f"\\u{number:04x}" for number in range(0xD800, 0xE000)}
"""Halves of letters, as names of files in no Unicode have them: no file takes these."""


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
    return json.dumps(row, ensure_ascii=False, allow_nan=False).translate(BREAKS | HALVES) + "\n"
