"""Written reasoning: words that follow from the sound, no label, and a policy that heeds it."""

import importlib
import json
from types import ModuleType

import pytest
import torch

from emolit.audio.acoustics import CUES, Standing
from emolit.policies.nano import Nano, NanoSize
from emolit.prompts.base import fits
from emolit.text.words import find_words, units
from emolit.types import Batch, Clip
from tests.fakes.voices import voice, write_voices

FIELDS = ("content", "acoustics", "summary")
LAYOUT = (
    "<think><content>…</content><acoustics>…</acoustics><summary>…</summary></think>"
    "<answer>…</answer>"
)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return importlib.import_module("emolit.commands.reason")


def written(tool, folder, clips) -> dict[str, dict[str, str]]:
    """Return the lines that the tool writes about some clips, by id."""
    pytest.importorskip("parselmouth", reason="pip install 'emolit[reasoning]'")
    write_voices(folder, clips)
    out = folder / "thoughts.jsonl"
    given = ["--data", "Manifest", "--data.root", str(folder), "--data.path", "voices.csv"]
    assert tool.main([*given, "--out", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return {line["id"]: line for line in lines}


USUAL = [{"wave": voice()}, {"wave": voice(pitch=122.0)}, {"wave": voice(level=0.052)}]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"level": 0.5}, "very loud"),
        ({"level": 0.005}, "very soft"),
        ({"pitch": 240.0}, "very high"),
        ({"pitch": 70.0}, "very low"),
        ({"end": 190.0}, "very wide"),
        ({"syllables": 9}, "very fast"),
        ({"octave_fall": 3.0}, "very sharp"),
        ({"octave_fall": 25.0}, "very dull"),
    ],
)
def test_what_is_changed_in_the_sound_is_said(tool, tmp_path, changed, words):
    lines = written(tool, tmp_path, [*USUAL, {"wave": voice(**changed)}])
    assert [words in line["acoustics"].lower() for line in lines.values()] == [False] * 3 + [True]


def test_a_line_has_the_keys_that_prompts_load_it_by(tool, tmp_path, capsys):
    lines = written(tool, tmp_path, USUAL)
    assert all(list(line) == ["corpus", "id", *FIELDS] for line in lines.values())
    assert {line["corpus"] for line in lines.values()} == {"voices"}
    printed = capsys.readouterr().out
    assert "3 clips in" in printed
    assert all(f"{field}: " in printed for field in FIELDS)


def test_labels_make_no_difference(tool, tmp_path):
    clips = [*USUAL, {"wave": voice(pitch=200.0), "transcript": ""}]
    texts = []
    for number, labels in enumerate((["happy"] * 4, ["sad", "angry", "fear", "calm"])):
        made = [{**clip, "label": label} for clip, label in zip(clips, labels, strict=True)]
        texts.append(written(tool, tmp_path / str(number), made))
    assert texts[0] == texts[1]


def test_equal_audio_stands_equally_whatever_the_label(tool):
    standing = Standing(dict.fromkeys(CUES, 1.0), own=True)
    one, other = (Clip("a", "toy", "a.wav", label) for label in ("sad", "happy"))
    assert tool.thought(one, standing) == tool.thought(other, standing)


def test_a_speaker_of_one_clip_is_compared_with_the_others_and_that_is_said(tool, tmp_path):
    lines = written(tool, tmp_path, [*USUAL, {"wave": voice(pitch=200.0), "speaker": "alone"}])
    assert "the speakers here" in lines["c3"]["acoustics"]
    assert "very high" in lines["c3"]["acoustics"].lower()
    assert all("this speaker" in lines[name]["acoustics"] for name in ("c0", "c1", "c2"))


def test_pace_is_of_letters_where_all_transcripts_are_known(tool, tmp_path):
    said = ["Yes.", "No!", "Why?", "What an incredibly long sentence that is"]
    clips = [{"wave": voice(), "transcript": text} for text in said]
    assert "very fast" in written(tool, tmp_path, clips)["c3"]["acoustics"].lower()


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("Kids are talking by the door.", ["'Kids are talking by the door'", "no feeling named"]),
        ("one two three four five six seven", ["'one two three four five six ...'"]),
        ("Are you there?", ["'Are you there'", "a question"]),
        ("真的吗\uff1f", ["'真的吗'", "a question"]),
        ("Out!", ["'Out'", "an outcry"]),
        ("I am so Happy today", ["naming happy"]),
        ("a <think> 'b'\nc", ["'a think \u2019b\u2019 c'"]),
        ("{words} {0}", ["'{words} {0}'"]),
        ("", []),
        (None, []),
    ],
)
def test_content_quotes_what_is_said(tool, transcript, expected):
    clip = Clip("a", "toy", "a.wav", transcript=transcript)
    said = tool.content(clip)
    assert all(part in said for part in expected)
    assert ("words" in said or "said" in said) or transcript
    assert len(units(said)) <= 13
    reply = LAYOUT.replace("…", said)
    assert fits(reply, LAYOUT)


def test_texts_are_short_varied_and_name_no_emotion(tool):
    texts = {field: set() for field in FIELDS}
    for number in range(300):
        grades = torch.randn(len(CUES), generator=torch.Generator().manual_seed(number)).tolist()
        standing = Standing(dict(zip(CUES, grades, strict=True)), own=True)
        clip = Clip(str(number), "toy", "a.wav", transcript="Dogs are sitting by the door.")
        line = tool.thought(clip, standing)
        assert line == tool.thought(clip, standing)
        for field, (least, most) in zip(FIELDS, ((6, 12), (12, 20), (6, 12)), strict=True):
            assert least <= len(units(line[field])) <= most, line[field]
            assert not find_words(line[field], tool.EMOTIONS)
            texts[field].add(line[field])
    assert [len(texts[field]) > least for field, least in zip(FIELDS, (3, 250, 50), strict=True)]


def test_what_could_not_be_measured_is_said(tool):
    nan = float("nan")
    voiceless = {"pitch": nan, "span": nan, "clearness": nan}
    standing = Standing({**dict.fromkeys(CUES, 2.0), **voiceless}, own=True)
    line = tool.thought(Clip("a", "toy", "a.wav"), standing)
    assert line["acoustics"].lower().count("unheard") == 3
    assert "great force" in line["summary"]


def test_distinct_n_by_hand(tool):
    # the cat the cat: 2 of 4 words, 2 of 3 pairs; a dog: 2 of 2, 1 of 1
    assert tool.distinct(["the cat the cat", "a dog"], 1) == pytest.approx(4 / 6)
    assert tool.distinct(["the cat the cat", "a dog"], 2) == pytest.approx(3 / 4)
    assert tool.distinct([], 2) == 0


def test_bad_settings_are_sentences(tool, tmp_path, capsys):
    given = ["--data", "Ravdess", "--data.root", str(tmp_path)]
    assert tool.main([*given, "--out", str(tmp_path / "a.jsonl")]) == 1
    assert f"looked for {tmp_path / 'ravdess'}" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        tool.main([*given, "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert "is no file in an existing folder" in capsys.readouterr().err


OPTIONS = ("angry", "sad")
SIZE = NanoSize(seconds=1, mels=20, tower_width=16, tower_layers=1, width=64, layers=1, heads=4)


def told(tool, number: int) -> tuple[Clip, dict[str, str]]:
    """Return a clip and its reasoning, in which `acoustics` alone tells the label.

    Loud and low, or soft and high: the force of the summary is the same.
    """
    sign = 1.0 if number % 2 else -1.0
    cues = {**dict.fromkeys(CUES, 0.0), "energy": 2 * sign, "pitch": -2 * sign}
    clip = Clip(str(number), "toy", "a.wav", "angry" if sign > 0 else "sad", transcript="No.")
    line = tool.thought(clip, Standing(cues, own=True))
    assert "some force" in line["summary"]
    return clip, line


def reply(line: dict[str, str], answer: str) -> str:
    fields = "".join(f"<{field}>{line[field]}</{field}>" for field in FIELDS)
    return f"<think>{fields}</think><answer>{answer}</answer>"


def asked(pairs, replies) -> Batch:
    """Return a batch of clips whose audio tells nothing, with wanted replies."""
    noise = torch.Generator().manual_seed(len(pairs))
    return Batch(
        clips=tuple(clip for clip, _ in pairs),
        questions=("Which?",) * len(pairs),
        targets=tuple(replies),
        options=OPTIONS,
        waveforms=tuple(0.1 * torch.randn(4_000, generator=noise) for _ in pairs),
        sampling_rate=16_000,
    )


def answers(policy, pairs, lines) -> list[str]:
    """Return the likelier answer of each clip behind a given reasoning."""
    scores = []
    for answer in OPTIONS:
        rollout = policy.encode_targets(asked(pairs, [reply(line, answer) for line in lines]))
        with torch.no_grad():
            scores.append((policy.logprobs(rollout) * rollout.mask).sum((1, 2)))
    return [OPTIONS[place] for place in torch.stack(scores).argmax(0).tolist()]


def test_a_trained_policy_answers_otherwise_behind_the_acoustics_of_another_clip(tool, tmp_path):
    """Not behind another clip's other fields: what it answers follows from what it wrote there."""
    policy = Nano(None, size=SIZE, folder=str(tmp_path))
    policy.build(reference=False, seed=1)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=5e-3)
    pairs = [told(tool, number) for number in range(160)]
    for step in range(160):
        some = pairs[16 * (step % 8) :][:16]
        rollout = policy.encode_targets(
            asked(some, [reply(line, clip.label) for clip, line in some])
        )
        loss = -policy.logprobs(rollout).sum() / rollout.mask.sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
    held_out = pairs[128:]
    labels = [clip.label for clip, _ in held_out]
    own = [line for _, line in held_out]
    other = own[1:] + own[:1]  # of the other label
    swapped = [{**one, "acoustics": two["acoustics"]} for one, two in zip(own, other, strict=True)]
    kept = [{**two, "acoustics": one["acoustics"]} for one, two in zip(own, other, strict=True)]
    as_labeled = [
        sum(map(str.__eq__, answers(policy, held_out, lines), labels))
        for lines in (own, swapped, kept)
    ]
    assert as_labeled == [pytest.approx(32, abs=1), pytest.approx(0, abs=1), as_labeled[0]]
