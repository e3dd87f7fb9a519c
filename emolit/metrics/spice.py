"""SPICE by its authors' Java program, an extra (``pip install 'emolit[coco]'``); English only.

Anderson et al. 2016, https://arxiv.org/abs/1607.08822: F of the objects, attributes and relations
that a parser finds in caption and references; the mean over captions. Made for pictures: what a
voice sounds like is no object, so that captions of emotion may share few propositions.

pycocoevalcap 1.2 carries the program, but not Stanford's parser and its models, which
``python -m pycocoevalcap.spice.get_stanford_models`` downloads; nothing is downloaded here. The
program is of 2016 and runs on Java 8 and 11; from 16 on Java refuses what its libraries do.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from emolit.errors import ConfigError
from emolit.metrics.caption_base import CaptionMetric, Item
from emolit.text.coco import coco_part

MODELS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
Texts = dict[int, list[str]]


class Spice(CaptionMetric):
    """Mean SPICE, 0 to 1.

    The program is given tokens, as in COCO's evaluation, which takes ``en-ptb``. A caption without
    tokens, or with references without any, is worth 0. Each process runs the program, which takes
    up to 8 GB: test on one device.

    Args:
        tokenizer: Its name, of one for English.

    Raises:
        ConfigError: The tokenizer is not for English, or the program or its models are missing.
    """

    names = ("SPICE",)
    implementation = "pycocoevalcap-spice-1.0"

    def __init__(self, tokenizer: str) -> None:
        super().__init__(tokenizer)
        if not tokenizer.startswith("en-"):
            raise ConfigError(
                f"SPICE parses English only, and the tokenizer is {tokenizer!r}; take an English "
                "one, or take `Spice` out of `metrics`."
            )
        _program()

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return the score."""
        said: Texts = {}
        wanted: Texts = {}
        for place, item in enumerate(self.tokens(items)):
            references = [" ".join(tokens) for tokens in item.references if tokens]
            if item.prediction and references:
                said[place], wanted[place] = [" ".join(item.prediction)], references
        return (sum(_scores(said, wanted)) / len(items),)


def _scores(said: Texts, wanted: Texts) -> list[float]:
    """Return SPICE of each caption that has words.

    Raises:
        ConfigError: The program fails.
    """
    if not said:
        return []
    try:
        found: Sequence[Mapping[str, Any]] = _program().Spice().compute_score(wanted, said)[1]
    except CalledProcessError as error:
        raise ConfigError(
            f"SPICE's program ended with {error.returncode}; what it said stands above. It runs on "
            "Java 8 and 11, with 8 GB free."
        ) from error
    return [float(scores["All"]["f"]) for scores in found]


def _program() -> Any:
    """Return pycocoevalcap's module, with the folders it writes to.

    Raises:
        ConfigError: There is no Java, no pycocoevalcap, or Stanford's parser is missing.
    """
    part = coco_part("spice.spice", "SPICE")
    folder = Path(part.__file__).parent
    missing = [name for name in MODELS if not (folder / "lib" / name).is_file()]
    if missing:
        raise ConfigError(
            f"SPICE needs {missing} of Stanford's CoreNLP in {str(folder / 'lib')!r}: python -m "
            "pycocoevalcap.spice.get_stanford_models downloads them, or take `Spice` out of "
            "`metrics`."
        )
    for name in (part.TEMP_DIR, part.CACHE_DIR):  # processes would race for them
        (folder / name).mkdir(exist_ok=True)
    return part
