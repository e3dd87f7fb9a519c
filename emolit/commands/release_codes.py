"""What codes of releases mean, such as EMO-DB's ``W``."""

from collections.abc import Mapping, Sequence

from emolit.affect.label_names import Meaning
from emolit.affect.taxonomy import CANONICAL
from emolit.corpora import crema_d, emo_db, iemocap, msp_podcast, ravdess, savee

CODES: Mapping[str, Mapping[str, str]] = {
    "EMO-DB": emo_db.EMOTIONS,
    "IEMOCAP": iemocap.EMOTIONS,
    "CREMA-D": crema_d.EMOTIONS,
    "SAVEE": savee.EMOTIONS,
    "MSP-Podcast": msp_podcast.EMOTIONS,
    "RAVDESS": {f"{number:02}": name for number, name in enumerate(ravdess.EMOTIONS, start=1)},
}
"""Codes of releases, which mean nothing alone: ``A`` is fear in one and anger in another."""
MOST = 2 / 3
"""Share of strange labels that a release must have, for its codes to be believed."""


def code_of(label: str, strange: Sequence[str]) -> Meaning:
    """Return what a code means in the releases that have the most of all strange labels.

    Args:
        label: One of them.
        strange: All labels that are no words.

    Example:
        >>> code_of("W", ["W", "F"]).label, code_of("A", ["A", "F"]).label
        ('angry', '?')
    """
    read = {release: _decoded(codes, strange) for release, codes in CODES.items()}
    most = max(map(len, read.values()))
    found = {
        release: names[label]
        for release, names in read.items()
        if label in names and len(names) == most >= MOST * len(strange)
    }
    names = {*found.values()}
    if len(names) == 1 and names <= {*CANONICAL}:
        return Meaning(names.pop(), f"code of {', '.join(found)}")
    told = [f"{name} in {release}" for release, name in found.items()]
    return Meaning("?", ", ".join(told) or "unknown")


def _decoded(codes: Mapping[str, str], labels: Sequence[str]) -> dict[str, str]:
    """Return what labels mean in a release; single letters count in their case alone."""
    folded = {code.casefold(): name for code, name in codes.items() if len(code) > 1}
    forms = {label: label if len(label) == 1 else label.casefold() for label in labels}
    known = {**folded, **codes}
    return {label: known[form] for label, form in forms.items() if form in known}
