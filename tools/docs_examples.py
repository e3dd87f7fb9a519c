"""How griffe reads our docstrings for the reference; ``mkdocs.yml`` names it to mkdocstrings."""

from typing import Any

from griffe import Extension, Object


class Examples(Extension):
    """Shows ``Example:`` as code: the section is called ``Examples:`` in griffe's reading."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rename the section of an object."""
        if obj.docstring:
            obj.docstring.value = obj.docstring.value.replace("Example:\n", "Examples:\n")
