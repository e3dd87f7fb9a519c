"""COCO's Java programs for captions in English, as pycocoevalcap carries them; an extra.

``pip install 'emolit[coco]'`` brings the programs; ``java`` must be on the PATH.
"""

import subprocess
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from shutil import which
from typing import Any

from emolit.errors import ConfigError


def coco_part(name: str, what: str) -> Any:
    """Return a module of pycocoevalcap.

    Args:
        name: Below the package, such as ``spice.spice``.
        what: Who needs it, for errors.

    Raises:
        ConfigError: There is no Java, or no pycocoevalcap.
    """
    if which("java") is None:
        raise ConfigError(
            f"{what} is a Java program, and there is no `java` on the PATH; install a Java "
            "runtime, or leave it out."
        )
    try:
        return import_module(f"pycocoevalcap.{name}")
    except ImportError as error:
        raise ConfigError(
            f"{what} needs pycocoevalcap, which is not installed: pip install 'emolit[coco]', or "
            "leave it out."
        ) from error


@lru_cache(maxsize=4)
def treebank_tokens(texts: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return COCO's tokens: those of Stanford's PTBTokenizer 3.4.1 in lower case, less punctuation.

    What counts as punctuation is COCO's list. It says -LRB- where the program, in lower case, says
    -lrb-: brackets stay, as in every COCO score. A call takes half a second to start Java.

    Args:
        texts: One line each, not blank.

    Raises:
        ConfigError: There is no Java, no pycocoevalcap, or the program fails.
    """
    if not texts:
        return ()
    part = coco_part("tokenizer.ptbtokenizer", "The tokenizer 'en-ptb'")
    jar = Path(part.__file__).parent / part.STANFORD_CORENLP_3_4_1_JAR
    program = "edu.stanford.nlp.process.PTBTokenizer"
    ended = subprocess.run(
        ["java", "-cp", str(jar), program, "-preserveLines", "-lowerCase"],
        input="".join(f"{text}\n" for text in texts).encode(errors="replace"),
        capture_output=True,
        check=False,
    )
    lines = ended.stdout.decode().split("\n")[:-1]
    if ended.returncode or len(lines) != len(texts):
        raise ConfigError(
            f"The tokenizer 'en-ptb' returned {len(lines)} lines for {len(texts)} texts and ended "
            f"with {ended.returncode}: {ended.stderr.decode(errors='replace')[-500:]!r}; mend the "
            "Java on the PATH, or take 'en-13a'."
        )
    dropped = set(part.PUNCTUATIONS)
    words = [line.rstrip().split(" ") for line in lines]  # a token may hold a no-break space
    return tuple(tuple(word for word in some if word and word not in dropped) for some in words)
