"""Reasoning from a file: read once, by corpus and clip; bad lines are named."""

import json

import pytest

from emolit.errors import ConfigError, CorpusError
from emolit.prompts.rationales import Rationale, Rationales
from emolit.types import Clip

ROW = {"corpus": "toy", "id": "a", "content": "Words.", "acoustics": "Low.", "summary": "Weak."}
CLIP = Clip("a", "toy", "a.wav")


def write(tmp_path, *lines):
    file = tmp_path / "thoughts.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return Rationales(str(file))


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "thoughts.jsonl").write_bytes("Wörter".encode("utf-16"))
    with pytest.raises(CorpusError, match=r"thoughts\.jsonl is not UTF-8"):
        Rationales(str(tmp_path / "thoughts.jsonl")).find(CLIP)


def test_a_thought_is_found_by_corpus_and_clip(tmp_path):
    other = json.dumps({**ROW, "id": "b", "content": "Wör\u2028ter."}, ensure_ascii=False)
    rationales = write(tmp_path, json.dumps(ROW), "", other)
    assert rationales.find(CLIP) == Rationale("Words.", "Low.", "Weak.")
    assert str(rationales.find(Clip("b", "toy", "b.wav"))) == "Wör\u2028ter. Low. Weak."
    assert rationales.find(Clip("a", "else", "a.wav")) is None
    assert Rationales(None).find(CLIP) is None


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.jsonl is missing; write it with"):
        Rationales(str(tmp_path / "nowhere.jsonl")).find(CLIP)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 lacks one of"),
        ("[" * 100_000, "line 2 is not JSON"),
        ("9" * 5_000, "line 2 is not JSON"),
        (json.dumps({**ROW, "id": "b", "summary": " "}), "line 2 lacks one of"),
        (json.dumps({**ROW, "id": 7}), "line 2 lacks one of"),
        (json.dumps(ROW), "line 2: the clip 'a' of 'toy' stands twice"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    with pytest.raises(CorpusError, match=message):
        write(tmp_path, json.dumps(ROW), line).find(CLIP)
