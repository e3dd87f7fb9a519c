"""Writes reasoning for a corpus that has none: what is said, how it sounds, what that adds up to.

    emolit reason --data configs/corpora/ravdess.yaml --data.root PARENT --out FILE

One clip a line, ``{"corpus", "id", "content", "acoustics", "summary"}``, for the argument
``rationales`` of a prompt. The texts follow from the clip's audio, measured against the other clips
of its speaker (`emolit.audio.acoustics`), and from its transcript, never from its label; no summary
names an emotion. A hash of the clip's id chooses among phrasings. Wording and bounds are ours.
Needs the extra ``reasoning``. The share of distinct words and word pairs (distinct-n, Li et al.
2016, arXiv 1510.03055) is printed.
"""

import hashlib
import json
import math
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

from emolit.affect.plutchik import ANGLES, NAMES
from emolit.affect.taxonomy import CANONICAL
from emolit.audio.acoustics import ClipAcoustics, Standing, measure, standings
from emolit.audio.decoding import decode
from emolit.commands.corpus import corpus_parser, read_corpus
from emolit.corpora import Corpus
from emolit.errors import EmolitError
from emolit.text.words import find_words, units
from emolit.types import Clip, Split

FIELDS = ("content", "acoustics", "summary")
EMOTIONS = tuple({*CANONICAL, *ANGLES, *NAMES} - {"other"})
"""What a transcript may name and a summary may not."""
BOUNDS = (-1.25, -0.4, 0.4, 1.25)
"""Spreads from the mean between the five grades of a cue."""
GRADES = {
    "pitch": ("very low", "low", "middle", "high", "very high"),
    "span": ("flat", "narrow", "medium", "wide", "very wide"),
    "energy": ("very soft", "soft", "moderate", "loud", "very loud"),
    "pace": ("very slow", "slow", "even", "fast", "very fast"),
    "sharpness": ("very dull", "dull", "balanced", "sharp", "very sharp"),
    "clearness": ("very rough", "rough", "plain", "clear", "very clear"),
}
FORCE = ("hardly any force", "little force", "some force", "much force", "great force")
TEMPO = ("slow", "slow", "steady", "hurried", "hurried")
TUNE = ("flat", "flat", "measured", "lively", "lively")
AROUSING = ("pitch", "span", "energy", "sharpness")
"""Cues whose mean is the force of a delivery: all rise with arousal."""
SHOWN_WORDS, SHOWN_SIGNS = 6, 40
"""How much of a transcript is quoted."""

ENDINGS = {"?": "a question", "\uff1f": "a question", "!": "an outcry", "\uff01": "an outcry"}
"""What the last sign of a transcript makes of it; full-width signs are Chinese."""

CONTENT = (
    "They say '{words}', {manner}.",
    "The words are '{words}', {manner}.",
    "We hear '{words}', {manner}.",
    "'{words}' is said, {manner}.",
)
WORDLESS = (
    "The words of the clip are not known.",
    "What is said cannot be told here.",
    "There are no words to go by.",
)
ACOUSTICS = (
    "Pitch {pitch} for {whom}, range {span}; {energy} and {pace}; sound {sharpness}, {clearness}.",
    "A {energy}, {pace} voice for {whom}: pitch {pitch}, range {span}, tone {sharpness}, "
    "{clearness}.",
    "For {whom}, volume {energy}, pace {pace}, pitch {pitch}, range {span}, tone {sharpness}, "
    "{clearness}.",
    "Tone {sharpness}, {clearness}; volume {energy}, pace {pace}; pitch {pitch}, range {span} for "
    "{whom}.",
)
SUMMARY = (
    "Taken together, {force}, a {tune} and {tempo} delivery.",
    "The delivery has {force} and is {tune} and {tempo}.",
    "There is {force} here, {tune} and {tempo}.",
    "In sum the speaker puts in {force}, {tune} and {tempo}.",
)


def main(arguments: list[str]) -> int:
    """Write the texts of a corpus and return the exit status."""
    parser = corpus_parser("emolit reason", (__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=str, required=True, help="JSONL file to write")
    start = time.perf_counter()
    corpus, given = read_corpus(parser, arguments)
    path = Path(given.out)
    if path.is_dir() or not path.parent.is_dir():
        parser.error(f"{path} is no file in an existing folder; name one with --out")
    try:
        corpus.setup()
        rationales = write_rationales(corpus)
    except EmolitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    lines = [json.dumps(rationale, ensure_ascii=False) for rationale in rationales]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"{len(lines)} clips in {time.perf_counter() - start:.0f} s, into {path}")
    for field in FIELDS:
        texts = [rationale[field] for rationale in rationales]
        print(
            f"{field}: {len(set(texts))} different texts, distinct-1 {distinct(texts, 1):.4f}, "
            f"distinct-2 {distinct(texts, 2):.4f}"
        )
    return 0


def write_rationales(corpus: Corpus) -> list[dict[str, str]]:
    """Return the texts of all clips that a corpus serves."""
    clips = [clip for split in get_args(Split) for clip in corpus.clips(split)]
    spoken = all(clip.transcript for clip in clips)
    voices = [measure_clip(corpus, clip, spoken) for clip in clips]
    stand = standings(voices, [clip.speaker and f"{clip.corpus}/{clip.speaker}" for clip in clips])
    return [thought(clip, standing) for clip, standing in zip(clips, stand, strict=True)]


def measure_clip(corpus: Corpus, clip: Clip, spoken: bool) -> ClipAcoustics:
    """Measure a clip; its pace in letters if all transcripts are known, else in syllables."""
    path = corpus.folders[clip.corpus] / clip.path
    rate, longest = corpus.sampling_rate, corpus.loading.max_seconds
    waveform = decode(path, rate, longest, clip.start, clip.end)
    letters = sum(map(len, units(clip.transcript or ""))) if spoken else None
    return measure(waveform.double().numpy(), rate, letters)


def thought(clip: Clip, standing: Standing) -> dict[str, str]:
    """Return the line of a clip."""
    return {
        "corpus": clip.corpus,
        "id": clip.id,
        "content": content(clip),
        "acoustics": acoustics(clip, standing),
        "summary": summary(clip, standing),
    }


def content(clip: Clip) -> str:
    """Return what is said: the first words, and the emotion that they name, if any."""
    said = (clip.transcript or "").translate(str.maketrans("<>\"'", "  \u201d\u2019")).split()
    if not said:
        return choose(WORDLESS, clip, "content")
    whole = " ".join(said)
    words = " ".join(said[:SHOWN_WORDS])[:SHOWN_SIGNS]
    found = find_words(whole, EMOTIONS)
    manner = f"naming {found[0]}" if found else ENDINGS.get(whole[-1], "no feeling named")
    shown = words.rstrip(".?!\u3002\uff1f\uff01") if words == whole else f"{words} ..."
    return choose(CONTENT, clip, "content").format(words=shown, manner=manner)


def acoustics(clip: Clip, standing: Standing) -> str:
    """Return how the voice sounds, against the speaker's other clips, or all clips."""
    terms = {cue: term(words, standing.cues[cue]) for cue, words in GRADES.items()}
    whom = "this speaker" if standing.own else "the speakers here"
    return sentence(choose(ACOUSTICS, clip, "acoustics").format(whom=whom, **terms))


def summary(clip: Clip, standing: Standing) -> str:
    """Return how much force the delivery has, and its pace and tune; no emotion is named."""
    heard = [standing.cues[cue] for cue in AROUSING if not math.isnan(standing.cues[cue])]
    arousal = sum(heard) / len(heard) if heard else 0.0
    terms = {
        "force": term(FORCE, arousal),
        "tempo": term(TEMPO, standing.cues["pace"]),
        "tune": term(TUNE, standing.cues["span"]),
    }
    return sentence(choose(SUMMARY, clip, "summary").format(**terms))


def term(words: Sequence[str], spreads: float) -> str:
    """Return the word of five for a distance from the mean; NaN is what was not heard."""
    if math.isnan(spreads):
        return "unheard"
    return words[sum(spreads >= bound for bound in BOUNDS)]


def choose(phrasings: Sequence[str], clip: Clip, field: str) -> str:
    """Return one of several phrasings, always the same for a clip."""
    digest = hashlib.sha256(f"{clip.corpus}/{clip.id}/{field}".encode()).digest()
    return phrasings[digest[0] % len(phrasings)]


def sentence(text: str) -> str:
    """Return a text with a capital letter."""
    return text[:1].upper() + text[1:]


def distinct(texts: Iterable[str], n: int) -> float:
    """Return how many of all n-grams of words are different ones."""
    grams = []
    for text in texts:
        said = units(text)
        grams += [tuple(said[place : place + n]) for place in range(len(said) - n + 1)]
    return len(set(grams)) / max(1, len(grams))
