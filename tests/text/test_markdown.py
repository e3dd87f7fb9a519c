"""Whatever a text holds, a reader of Markdown sees its letters and nothing else."""

from html import unescape

import pytest
from markdown import markdown

from emolit.text.markdown import escape

TEXTS = (
    "<script>alert(1)</script>",
    "![](http://127.0.0.1/seen.png)",
    "[sad](javascript:alert(1))",
    "# sad",
    "1. sad",
    "*sad* _sad_ `sad` ~~sad~~",
    "a | b",
    "&lt;b&gt;",
    "悲伤 <b>",
)


@pytest.mark.parametrize("text", TEXTS)
def test_the_page_shows_the_text_and_no_layout(text):
    assert unescape(markdown(escape(text), extensions=["tables"])) == f"<p>{text}</p>"


def test_lines_become_one():
    assert escape("sad\nproud") == "sad⏎proud"
