"""What reads a text of strangers: a response, a reply of a judge, a cell, a whole file."""

import io
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import soundfile
from jsonargparse import ArgumentError

from emolit.affect import label_names, packaged_lexicon, word_lists
from emolit.affect.packaged_lexicon import PackagedLexicon
from emolit.affect.taxonomy import Taxonomy, check_map
from emolit.affect.votes import merge_votes
from emolit.audio import decoding
from emolit.commands import near, shipped
from emolit.commands.complaints import complaint
from emolit.commands.parsing import Parser
from emolit.corpora.kaldi import read_pairs
from emolit.corpora.listed import log_name
from emolit.corpora.manifest import Manifest
from emolit.data import audio_check, census, emotion_talk_json
from emolit.data.recordings import find_recordings
from emolit.engine.weights.record import FILE, read_record
from emolit.errors import ConfigError
from emolit.files import disk, headings, npz
from emolit.files.table import read_table
from emolit.judges.chat_endpoint import Chat, Endpoint, fill_question
from emolit.metrics.bleu import bleu_counts
from emolit.metrics.rouge_l import rouge_l
from emolit.prompts import Prompt, base, rationales
from emolit.prompts.caption import Caption
from emolit.prompts.direct import Direct
from emolit.prompts.open_vocabulary import OpenVocabulary
from emolit.prompts.reasoning import Reasoning
from emolit.prompts.structured import Structured
from emolit.rewards.language_model_judge import LanguageModelJudge
from emolit.rewards.preference import verdict
from emolit.rewards.repetition import Repetition
from emolit.rewards.think_answer_agreement import ThinkAnswerAgreement
from emolit.text import words
from emolit.text.tokenizer import TOKENIZERS
from emolit.types import Clip

Reader = Callable[[str], Any]
OPTIONS = ("angry", "sad", "neutral")
CLIP = Clip("a", "toy", "a.wav")
SHORT = ["a", "low", "slow", "voice"]
DENYING = PackagedLexicon(negated="drop")
AGREEMENT = ThinkAnswerAgreement()


def file(suffix: str, read: Callable[[Path], Any], around: str = "{}") -> Reader:
    """Return what reads a text as a part of a file.

    Args:
        suffix: Of the file.
        read: Takes the file.
        around: What stands in it; ``{}`` is replaced by the text.
    """

    def reader(text: str) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"file{suffix}")
            path.write_bytes(around.replace("{}", text).encode("utf-8", "surrogatepass"))
            return read(path)

    return reader


def damaged(suffix: str, read: Callable[[Path], Any], whole: bytes) -> Reader:
    """Return what reads a file in which a text stands in place of some bytes.

    Args:
        suffix: Of the file.
        read: Takes the file.
        whole: The file as it was.
    """

    def reader(text: str) -> Any:
        part = text.encode("utf-8", "surrogatepass")
        place = crc32(part) % len(whole)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"file{suffix}")
            path.write_bytes(whole[:place] + part + whole[place + len(part) :])
            return read(path)

    return reader


def archive() -> bytes:
    """Return an archive of labels."""
    file = io.BytesIO()
    labels = {str(number): {"emo": "sad", "val": 0.5} for number in range(20)}
    np.savez_compressed(file, train_corpus=np.array(labels), val_corpus=np.array(labels))
    return file.getvalue()


def recording(kind: str) -> bytes:
    """Return a recording of a quarter second."""
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(np.arange(2000) / 8), 8000, format=kind)
    return file.getvalue()


def overlay(path: Path) -> Any:
    """Read a config laid over another one, as the command line does; nothing is made."""
    parser = Parser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_subclass_arguments(Prompt, "prompt")
    parser.add_argument("--seed", type=int, default=0)
    try:
        return parser.parse_args(["--prompt", "Direct", "--config", str(path)])
    except ArgumentError as error:  # the command line shows it so, with status 2
        raise ConfigError(complaint(str(error), error)) from error


def record(path: Path) -> Any:
    """Read what a checkpoint says of itself."""
    return read_record(path.rename(path.with_name(FILE)).parent)


def table(path: Path) -> Any:
    """Read a table with recordings."""
    return read_table(path, ("path",))


def manifest(path: Path) -> Any:
    """Read a user's table as clips."""
    return Manifest(path.name, root=str(path.parent)).parse_rows


def agreement(answer: Any) -> Reader:
    """Return what looks for an answer in thinking."""
    return lambda text: AGREEMENT.agreement(f"<think>{text}</think>", answer, OPTIONS)


def fits(layout: str) -> Reader:
    """Return what compares a response with a layout."""
    return lambda text: base.fits(text, layout)


READERS: dict[str, Reader] = {
    "Direct": lambda text: Direct().parse(text, OPTIONS),
    "Reasoning": lambda text: Reasoning().parse(text, OPTIONS),
    "Reasoning.reason": Reasoning().reason,
    "Reasoning.instead": lambda text: Reasoning().instead(CLIP, text, "sad"),
    "OpenVocabulary": lambda text: OpenVocabulary().parse(text, ()),
    "OpenVocabulary parity": lambda text: OpenVocabulary(reader="parity").parse(text, ()),
    "OpenVocabulary think": lambda text: OpenVocabulary(think=True).parse(text, ()),
    "Caption": lambda text: Caption().parse(text, ()),
    "fits Direct": fits(Direct.layout),
    "fits Reasoning": fits(Reasoning.layout),
    "fits Structured": fits(Structured.layout),
    "fits free": fits("…"),
    "fits two": fits("…<answer>…</answer>…"),
    "fits words": fits("Thought: … Answer: …"),
    "plain": words.plain,
    "units": words.units,
    "find_words": lambda text: words.find_words(text, OPTIONS),
    "split_list": words.split_list,
    "words_of": word_lists.words_of,
    "split_phrases": lambda text: word_lists.split_phrases([text]),
    "split_phrases of a list": lambda text: word_lists.split_phrases(word_lists.words_of(text)),
    "entry_of": packaged_lexicon.entry_of,
    "Lexicon.find_words": PackagedLexicon().find_words,
    "Lexicon.find_words denied": DENYING.find_words,
    "meaning_of": label_names.meaning_of,
    "Taxonomy": lambda text: Taxonomy(tuple(text)),
    "label map": lambda text: check_map("toy", OPTIONS, {text: text}),
    "votes": lambda text: merge_votes(Counter(text), {text[:1]: text}),
    "verdict": verdict,
    "mark": LanguageModelJudge(Endpoint("judge")).mark,
    "reply of a judge": Chat(Endpoint("judge"), "judge", Counter())._said,  # as it comes in
    "fill_question": lambda text: fill_question(text, {"a": text}),
    "agreement": agreement("sad"),
    "agreement of a list": agreement(("sad",)),
    "Repetition": lambda text: Repetition().score(CLIP, text, None),
    "rouge_l": lambda text: rouge_l(list(text), [SHORT]),
    "rouge_l of a long reference": lambda text: rouge_l(SHORT, [list(text)]),
    "bleu_counts": lambda text: bleu_counts(list(text), [SHORT]),
    **{name: rule for name, rule in TOKENIZERS.items() if name != "en-ptb"},  # Java takes its time
    "EmotionTalk marks": emotion_talk_json.remove_marks,
    "EmotionTalk leaves": lambda text: [*emotion_talk_json.leaves({"a": text, "b": [text]})],
    "person": census.person,
    "find_renamed": lambda text: headings.find_renamed("path", [text, "a"]),
    "next_step": lambda text: headings.next_step("path", [text], ","),
    "meant": lambda text: near.meant(text, OPTIONS),
    "complaint": lambda text: complaint(text, None),
    "short name": shipped.SHORT.fullmatch,
    "log_name": lambda text: log_name(text, "list"),
    "guess_encoding": file(".txt", lambda path: disk.guess_encoding(path.read_bytes())),
    "csv": file(".csv", table, "path,label\n{}"),
    "csv header": file(".csv", table, "{}\na,b"),
    "csv columns": file(".csv", manifest, "{},path,label\n1,b.wav,sad"),
    "tsv": file(".tsv", table, "path\tlabel\n{}"),
    "jsonl": file(".jsonl", table),
    "jsonl value": file(".jsonl", table, '{"path": "{}"}'),
    "manifest": file(".csv", manifest, "path,label\na.wav,sad\n{}"),
    "manifest path": file(".csv", manifest, "path,label\na.wav,sad\n{},sad"),
    "manifest label": file(".csv", manifest, 'path,label\na.wav,sad\nb.wav,"{}"'),
    "manifest words": file(".csv", manifest, 'path,openset\na.wav,sad\nb.wav,"{}"'),
    "manifest speaker": file(".csv", manifest, "path,label,speaker\na.wav,sad,1\nb.wav,sad,{}"),
    "rationales": file(".jsonl", rationales.read),
    "json": file(".json", disk.json_of),
    "durations": file(".json", audio_check.load),
    "npz": file(".npz", npz.read_labels),
    "npz damaged": damaged(".npz", npz.read_labels, archive()),
    "wav damaged": damaged(".wav", decoding.check, recording("WAV")),
    "flac damaged": damaged(".flac", decoding.check, recording("FLAC")),
    "ogg damaged": damaged(".ogg", decoding.check, recording("OGG")),
    "config overlay": file(".yaml", overlay),
    "config overlay value": file(".yaml", overlay, "seed: 1\nprompt:\n  question: {}\n"),
    "record": file(".json", record),
    "kaldi": file(".scp", lambda path: read_pairs(path, "path")),
    "list of recordings": file(".txt", lambda path: find_recordings([str(path)], "toy")),
    "table of recordings": file(
        ".csv", lambda path: find_recordings([str(path)], "toy"), "path\n{}"
    ),
}
"""By name; each may raise an `EmolitError` and nothing else."""
