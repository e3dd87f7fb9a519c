"""What the labels of strange tables mean: emotions under other words and in other languages.

A proposal, for a person to look at: nothing reads labels this way without being told.
"""

from typing import NamedTuple

from emolit.affect.packaged_lexicon import PackagedLexicon, entry_of
from emolit.affect.plutchik import NAMES
from emolit.affect.taxonomy import CANONICAL

WORDS = {
    "angry": "wut wütend ärger ärgerlich zorn zornig colère rabbia arrabbiato enfado ira raiva "
    "złość",
    "happy": "freude fröhlich glücklich freudig joie heureux gioia felicità felice alegría "
    "felicidad feliz alegria radość",
    "neutral": "neutre neutrale neutro neutra neutralny neutralność normal",
    "sad": "trauer traurig traurigkeit tristesse triste tristezza tristeza smutek smutny",
    "fear": "angst ängstlich furcht peur paura miedo medo strach",
    "disgust": "ekel angeekelt dégoût disgusto asco nojo wstręt",
    "surprise": "überraschung überrascht erstaunt sorpresa surpresa zaskoczenie "
    "pleasant_surprise pleasant_surprised ps",
    "calm": "ruhig ruhe gelassen calme calma tranquilo spokój",
    "boredom": "langeweile gelangweilt ennui noia aburrimiento tédio nuda",
    "contempt": "verachtung mépris disprezzo desprecio desprezo pogarda",
    "other": "others andere sonstige autre altro otro",
}
"""Words of German, French, Italian, Spanish, Portuguese and Polish, and phrases of releases."""
FOREIGN = {
    word.replace("_", " "): label for label, words in WORDS.items() for word in words.split()
}
GROUPS = {group: label for label, group in NAMES.items() if label in CANONICAL}
GROUPS |= {group: group for group in NAMES.values() if group in CANONICAL}


class Meaning(NamedTuple):
    """What a label seems to mean.

    Attributes:
        label: One of `CANONICAL`.
        why: A few words.
    """

    label: str
    why: str


def meaning_of(label: str) -> Meaning | None:
    """Return what a label seems to mean; None where nothing is known.

    Example:
        >>> [meaning_of(label)[0] for label in ("Wut", "SADNESS", "irritated", "高兴")]
        ['angry', 'sad', 'angry', 'happy']
        >>> meaning_of("W"), meaning_of("label 3")
        (None, None)
    """
    word = " ".join(label.casefold().replace("_", " ").replace("-", " ").split())
    if word in CANONICAL:
        return Meaning(word, "emolit's own name")
    if word in FOREIGN:
        return Meaning(FOREIGN[word], "the same in other words")
    if word in PackagedLexicon.neutral_words:
        return Meaning("neutral", "the same in other words")
    entry = entry_of(word)
    if entry is None:
        return None
    for name in CANONICAL:
        own = entry_of(name)
        if own is not None and own.row[-1] == entry.row[-1]:
            return Meaning(name, "the same in other words")
    group = entry.row[0] or ""
    if group not in GROUPS:
        return None
    same = NAMES.get(word, word) == group
    return Meaning(GROUPS[group], "the same in other words" if same else f"near: a kind of {group}")
