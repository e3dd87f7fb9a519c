"""A checkpoint's own question comes back as it was, for every prompt."""

import json

import pytest

from emolit.engine.weights.record import FILE, record_of
from emolit.errors import ConfigError, PolicyError
from emolit.inference.trained import make, read_trained
from emolit.policies.nano import Nano
from emolit.prompts import Prompt
from emolit.prompts.caption import Caption
from emolit.prompts.direct import Direct
from emolit.prompts.open_vocabulary import OpenVocabulary
from emolit.prompts.variation import PromptVariation
from tests.fakes.checkpoint import LABELS, write_checkpoint
from tests.fakes.prompts import PROMPTS


@pytest.mark.parametrize("prompt", PROMPTS)
def test_every_prompt_is_made_again_from_its_record(prompt):
    told = record_of(prompt, (), ())["prompt"]
    made = make(Prompt, told, "emolit.json")
    assert type(made) is type(prompt)
    assert made.arguments == prompt.arguments


def test_a_checkpoint_says_what_asking_needs(tmp_path, nano_folder):
    prompt = Direct("Well? {options}", variation=PromptVariation(("So? {options}",), shuffle=True))
    trained = read_trained(write_checkpoint(tmp_path / "best", nano_folder, prompt))
    assert trained.prompt.arguments == prompt.arguments
    assert trained.options == trained.labels == LABELS
    assert (trained.window, trained.sampling_rate) == (1.0, 16_000)
    assert (trained.sampling.max_tokens, trained.sampling.temperature) == (8, 0)
    assert trained.record["scores"] == {"val/toy/UA": 0.5}
    assert trained.record["versions"].keys() >= {"torch", "transformers", "emolit"}
    assert trained.record["licenses"]["toy"]["license"] == "CC0"
    assert isinstance(trained.module().policy, Nano)
    assert not trained.wants_transcript


def test_prompts_that_show_what_is_said_are_known(tmp_path, nano_folder):
    for index, (prompt, expected) in enumerate(
        [
            (Direct(variation=PromptVariation(transcript="known")), True),
            (Caption(), True),
            (OpenVocabulary(), False),
        ]
    ):
        trained = read_trained(write_checkpoint(tmp_path / str(index), nano_folder, prompt))
        assert trained.wants_transcript is expected
        assert trained.options == (LABELS if isinstance(prompt, Direct) else ())


def test_a_folder_that_does_not_say_what_it_learned_is_refused(tmp_path, nano_folder):
    with pytest.raises(PolicyError, match=rf"it has no {FILE}.*emolit predict --config"):
        read_trained(nano_folder)
    best = write_checkpoint(tmp_path / "best", nano_folder)
    record = json.loads((best / FILE).read_text())
    (best / FILE).write_text(json.dumps({**record, "prompt": None}))
    with pytest.raises(PolicyError, match=r"lacks \['prompt'\]"):
        read_trained(best)
    del record["window"]
    (best / FILE).write_text(json.dumps(record))
    with pytest.raises(PolicyError, match=r"lacks \['window'\]"):
        read_trained(best)


def test_a_checkpoint_that_sees_is_refused(tmp_path, nano_folder):
    best = write_checkpoint(tmp_path / "best", nano_folder)
    record = json.loads((best / FILE).read_text())
    assert record["frames"] == 0
    (best / FILE).write_text(json.dumps({**record, "frames": 8}))
    with pytest.raises(PolicyError, match="trained to see 8 pictures of each clip"):
        read_trained(best).module()


def test_a_class_that_is_not_installed_is_named(tmp_path, nano_folder):
    best = write_checkpoint(tmp_path / "best", nano_folder)
    record = json.loads((best / FILE).read_text())
    record["prompt"]["class_path"] = "nowhere.Asks"
    (best / FILE).write_text(json.dumps(record))
    with pytest.raises(ConfigError, match=r"emolit\.json names nowhere\.Asks.*install the package"):
        read_trained(best)


@pytest.mark.parametrize("part", ["prompt", "policy"])
def test_a_class_that_the_folder_brings_is_refused(tmp_path, nano_folder, monkeypatch, part):
    best = write_checkpoint(tmp_path / "best", nano_folder)
    (best / "brought.py").write_text("raise RuntimeError('this code has run')\n")
    record = json.loads((best / FILE).read_text())
    record[part]["class_path"] = "brought.Class"
    (best / FILE).write_text(json.dumps(record))
    monkeypatch.syspath_prepend(str(best))
    with pytest.raises(ConfigError, match=r"names code in .*brought\.py, which came with it"):
        read_trained(best).module()
