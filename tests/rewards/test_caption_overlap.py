"""Captions against the stored scores of single sentences."""

import json

import pytest

from emolit.errors import ConfigError
from emolit.prompts.caption import Caption
from emolit.rewards.caption_overlap import CaptionOverlap
from emolit.types import Clip

KEYS = {"BLEU_4": "Bleu_4", "ROUGE_L": "ROUGE_L", "CIDEr_D": "CIDEr"}


def clip(*captions):
    return Clip(id="a", corpus="toy", path="a.wav", captions=captions)


@pytest.mark.parametrize("measure", KEYS)
def test_the_worth_is_the_score_of_the_sentence(shared, tmp_path, measure):
    stored = json.loads((shared / "reference" / "caption_reference_cases.json").read_text())["zh"]
    file = None
    if measure == "CIDEr_D":
        file = tmp_path / "references.txt"
        lines = ["\t".join(pair["refs"]) for pair in stored["pairs"]]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    reward = CaptionOverlap(measure, frequencies=file and str(file))
    reward.prepare(Caption())
    scale = 10 if measure == "CIDEr_D" else 1
    wanted = stored["char"]["pycocoevalcap"][KEYS[measure]]["per_sentence"]
    for pair, score in zip(stored["pairs"], wanted, strict=True):
        found = reward.score(clip(*pair["refs"]), "", pair["hyp"])
        assert found * scale == pytest.approx(score, abs=1e-9)


def test_it_does_not_apply_without_captions_and_nothing_is_worth_nothing():
    assert CaptionOverlap().score(clip(), "", "慢") is None
    for measure in ("BLEU_4", "ROUGE_L"):
        assert CaptionOverlap(measure).score(clip("慢"), "", None) == pytest.approx(0, abs=1e-6)
    assert CaptionOverlap().score(clip("sad, slow"), "", ("sad", "slow")) == 1.0
    assert CaptionOverlap(tokenizer="en-13a").score(clip("A sad voice."), "", "a sad VOICE") == 1.0


@pytest.mark.parametrize(("measure", "file"), [("CIDEr_D", None), ("ROUGE_L", "x.txt")])
def test_only_cider_d_has_a_file_of_references(measure, file):
    with pytest.raises(ConfigError, match="CIDEr_D needs a file of references, the others none"):
        CaptionOverlap(measure, frequencies=file)


@pytest.mark.parametrize("content", [None, "", "only one\n"])
def test_a_file_that_says_nothing_is_refused_at_the_start(tmp_path, content):
    file = tmp_path / "references.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=r"references.txt' of the reward .* has [01] lines"):
        CaptionOverlap("CIDEr_D", frequencies=str(file)).prepare(Caption())
