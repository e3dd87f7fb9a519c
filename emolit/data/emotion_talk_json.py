"""What EmotionTalk writes beside its utterances: JSON of a layout that is half known, and marks.

The release documents the outer keys only (``emotion_result``, ``content``, ``file_name`` or
``file_path``, ``sourceAttr``). What lies in ``sourceAttr`` is searched: a caption is a text below a
key, or in one object with a value, that names its kind.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from emolit.errors import CorpusError
from emolit.files.disk import below, json_of
from emolit.text.tokenizer import tidy

Kind = Literal["overall", "style", "emotion", "speaker"]
NAMES: dict[Kind, tuple[str, ...]] = {
    "overall": ("overall", "整体", "总体"),
    "style": ("style", "风格"),
    "emotion": ("emotion", "情感", "情绪"),
    "speaker": ("speaker", "说话人"),
}
"""What a key that holds captions of a kind has in it."""
SOURCE = "sourceAttr"
_MARK = re.compile(r"\[(?!/?over)[A-Za-z ]+\]|(?<!\[)\[++/?over/?\]?|/?over/?\]", re.IGNORECASE)


def marks(text: str) -> list[str]:
    """Return the marks in a transcript, as they are written.

    Example:
        >>> marks("[over/]还给他点[/over]饭。[laughing]")
        ['[over/]', '[/over]', '[laughing]']
    """
    return _MARK.findall(text)


def remove_marks(text: str) -> str:
    """Return a transcript without marks; words inside overlap marks stay.

    Example:
        >>> remove_marks("[over/]还给他点[/over]饭[over/你]。[laughing]")
        '还给他点饭你。'
    """
    return tidy(re.sub(r"[\[\]]", "", _MARK.sub("", text)))


@dataclass(frozen=True)
class UtteranceFiles:
    """The JSON objects of a folder.

    Attributes:
        folder: Where they lie.
        objects: By the utterance that they are about.
    """

    folder: Path
    objects: dict[str, dict[str, Any]]

    @classmethod
    def below(cls, folder: Path) -> "UtteranceFiles":
        """Read all JSON files in a folder and below.

        Raises:
            CorpusError: A file is no JSON.
        """
        found: dict[str, dict[str, Any]] = {}
        for file in below(folder, "*.json"):
            content = json_of(file)
            for each in content if isinstance(content, list) else [content]:
                if isinstance(each, dict):
                    path = each.get("file_name") or each.get("file_path") or file.name
                    found[PurePosixPath(str(path)).stem] = each
        return cls(folder, found)

    def keys(self) -> list[str]:
        """Return the outer keys, and those below ``sourceAttr`` with ``/`` between."""
        paths = {key for each in self.objects.values() for key in each}
        for each in self.objects.values():
            paths |= {"/".join((SOURCE, *path)) for path, _ in leaves(each.get(SOURCE))}
        return sorted(paths)

    def emotions(self) -> dict[str, str]:
        """Return the emotion of each utterance, as it is written.

        Raises:
            CorpusError: An object has none.
        """
        found = {name: each.get("emotion_result") for name, each in self.objects.items()}
        for name, text in found.items():
            if not isinstance(text, str):
                raise CorpusError(
                    f"The emotion of {name!r} in {self.folder} is {text!r}, no text; its keys are "
                    f"{[*self.objects[name]]}. Put the labels of the project's repository into the "
                    "corpus folder (audio_label.npz, mm_label.npz)."
                )
        return {name: str(text) for name, text in found.items()}

    def contents(self) -> dict[str, str]:
        """Return what is said in each utterance, where it is told."""
        found = {name: each.get("content") for name, each in self.objects.items()}
        return {name: text for name, text in found.items() if isinstance(text, str)}

    def captions(self, kind: Kind) -> dict[str, tuple[str, ...]]:
        """Return the captions of a kind, each once, for the utterances that have some.

        Raises:
            CorpusError: None has.
        """
        found = {name: self._captions(each, kind) for name, each in self.objects.items()}
        found = {name: texts for name, texts in found.items() if texts}
        if not found:
            raise CorpusError(
                f"No caption of the kind {kind!r} is in the {len(self.objects)} JSON objects below "
                f"{self.folder}, whose keys are {self.keys()}. Set `caption: null`, or tell the "
                "authors of emolit these keys."
            )
        return found

    @staticmethod
    def _captions(each: dict[str, Any], kind: Kind) -> tuple[str, ...]:
        source = each.get(SOURCE)
        texts = (remove_marks(text) for path, text in leaves(source) if kind_of(path) == kind)
        return tuple(dict.fromkeys(text for text in texts if text))


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every text in a JSON value with the keys above it, and the kinds named beside these.

    Example:
        >>> [*leaves({"style": ["slow"], "more": [{"type": "overall", "text": "slow, sad"}]})]
        [(('style',), 'slow'), (('more', 'overall', 'text'), 'slow, sad')]
    """
    node = _parse_nested(node)
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, list):
        for each in node:
            yield from leaves(each, path)
    elif isinstance(node, dict):
        beside = tuple(value for value in node.values() if _is_name(value))
        for key, value in node.items():
            if value not in beside:
                yield from leaves(value, (*path, *beside, str(key)))


def _parse_nested(node: Any) -> Any:
    """Return the value of a text that is itself JSON, and any other value as it is."""
    if isinstance(node, str) and node.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(node)
        except (RecursionError, ValueError):  # a caption that begins with a mark
            return node
    return node


def _is_name(value: Any) -> bool:
    """Tell whether a value is the name of a kind and nothing more."""
    names = [name for some in NAMES.values() for name in some]
    return (
        isinstance(value, str)
        and re.sub(r"(?<![\W_])[\W_]*+caption$", "", value.strip().lower()) in names
    )


def kind_of(path: tuple[str, ...]) -> Kind | None:
    """Return the kind that the innermost key names; None if none does.

    Example:
        >>> kind_of(("speaker", "overall_caption", "2"))
        'overall'
    """
    for key in reversed(path):
        for kind, names in NAMES.items():
            if any(name in key.lower() for name in names):
                return kind
    return None
