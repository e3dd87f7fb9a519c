"""Texts of models and strangers, written into Markdown."""

SPECIAL = "\\`*_{}[]()<>#+-.!|&~:\"'=^$/@"
"""Characters that Markdown or HTML may take for layout."""


def escape(text: str) -> str:
    r"""Write a text so that Markdown shows it as it is, on one line.

    Example:
        >>> escape("<b>a|b\nc")
        '&#60;b&#62;a&#124;b⏎c'
    """
    one_line = "⏎".join(text.splitlines())
    return "".join(f"&#{ord(sign)};" if sign in SPECIAL else sign for sign in one_line)
