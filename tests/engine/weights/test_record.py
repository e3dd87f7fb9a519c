"""What a checkpoint says of its question."""

import inspect

import pytest

from emolit.engine.weights.record import FILE, prompt_differs, read_record, record_of, render_record
from emolit.errors import PolicyError
from emolit.prompts.direct import Direct
from emolit.prompts.structured import Structured
from emolit.prompts.variation import PromptVariation
from tests.fakes.prompts import PROMPTS


def test_a_record_is_read_back_from_the_folder_and_from_the_file_beside_it(tmp_path):
    record = record_of(
        Direct(variation=PromptVariation(paraphrases=("Wie klingt es? {options}",))), ("a",), ()
    )
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / FILE).write_text(render_record(record), encoding="utf-8")
    assert read_record(tmp_path / "best") == read_record(tmp_path / "best.ckpt") == record
    assert record["prompt"]["init_args"]["variation"]["paraphrases"] == ["Wie klingt es? {options}"]
    assert read_record(tmp_path) is None


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_record_has_every_argument_of_a_prompt_and_makes_it_again(prompt):
    told = record_of(prompt, (), ())["prompt"]
    assert set(told["init_args"]) == set(inspect.signature(type(prompt)).parameters)
    plain = {name: value for name, value in told["init_args"].items() if name != "variation"}
    assert type(prompt)(**plain).arguments == prompt.arguments


def test_a_file_of_thoughts_is_told_by_its_path():
    assert Structured(rationales="t.jsonl").arguments["rationales"] == "t.jsonl"


def test_a_prompt_of_another_class_is_named():
    first, second = record_of(Direct(), (), ()), record_of(Structured(), (), ())
    assert "structured.Structured and was emolit.prompts.direct.Direct" in str(
        prompt_differs(first, second)
    )
    assert prompt_differs(first, record_of(None, (), ())) is None


@pytest.mark.parametrize("content", [b"{", b"[" * 5000, b"\xff", b"9" * 5000, b"[]", b"null"])
def test_a_damaged_record_is_refused(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(PolicyError, match=r"emolit\.json is no JSON"):
        read_record(tmp_path)
