"""What a damaged or hostile ``emolit.json`` says is refused by its key, before it is used."""

import json

import pytest

from emolit.engine.weights.record import FILE, read_record, record_of
from emolit.engine.weights.record_check import SAMPLING
from emolit.errors import PolicyError
from emolit.prompts.direct import Direct
from emolit.types import Sampling

GOOD = record_of(Direct(), ("angry", "sad"), ("toy",)) | {
    "policy": {"class_path": "emolit.policies.nano.Nano", "init_args": {}},
    "sampling": {"temperature": 0.0, "top_p": 1.0, "top_k": 0, "max_tokens": 6, "stop": ["."]},
    "window": 3,
    "sampling_rate": 16_000,
    "frames": 0,
    "licenses": {"toy": {"license": "CC0", "homepage": ""}},
}
NODELESS = ["x", [], {}, {"init_args": {}}, {"class_path": "a.B"}, 3,
            {"class_path": 1, "init_args": {}}, {"class_path": "a.B", "init_args": []}]  # fmt: skip
WRONG = [
    *(("prompt", value) for value in NODELESS),
    *(("policy", value) for value in NODELESS),
    *(("labels", value) for value in (3, None, "sad", [1, None], {"a": 1})),
    *(("corpora", value) for value in (None, "toy", [3])),
    *(("sampling", value) for value in ([], "x", True)),
    *(("window", value) for value in ("abc", 1e-6, 0, -1, True, float("nan"), float("inf"))),
    *(("sampling_rate", value) for value in (0, -1, 10**9, 16_000.0, "16000", True)),
    *(("frames", value) for value in (-1, "8", None)),
    *(("base", value) for value in (3, [])),
    *(("licenses", value) for value in ([], {"toy": "CC0"})),
]


def read(folder, record):
    (folder / FILE).write_text(json.dumps(record))
    return read_record(folder)


def test_what_a_training_writes_and_keys_of_later_releases_pass(tmp_path):
    later = GOOD | {"window": None, "prompt": None, "later": [1]}
    assert read(tmp_path, GOOD) == GOOD
    assert read(tmp_path, later) == later


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_value_of_another_type_is_refused_by_its_key(tmp_path, key, value):
    with pytest.raises(PolicyError, match=rf"^`{key}` of .*emolit\.json is .*; it must be "):
        read(tmp_path, GOOD | {key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("temperature", "x"), ("top_p", None), ("top_k", 1.5), ("max_tokens", "6"), ("stop", "."),
     ("stop", [1])],
)  # fmt: skip
def test_a_setting_of_sampling_of_another_type_is_refused(tmp_path, key, value):
    with pytest.raises(PolicyError, match=rf"`sampling\.{key}` of .* is .*; it must be "):
        read(tmp_path, GOOD | {"sampling": GOOD["sampling"] | {key: value}})


def test_sampling_of_other_keys_is_refused_and_one_that_is_not_said_has_its_default(tmp_path):
    with pytest.raises(PolicyError, match=r"has the key 'beams'; known are temperature, top_p"):
        read(tmp_path, GOOD | {"sampling": GOOD["sampling"] | {"beams": 4}})
    read(tmp_path, GOOD | {"sampling": {"max_tokens": 6}})


def test_all_of_sampling_is_looked_at():
    assert set(SAMPLING) == set(Sampling.__dataclass_fields__)


def test_a_long_value_is_shown_in_part(tmp_path):
    with pytest.raises(PolicyError) as refused:
        read(tmp_path, GOOD | {"window": "x" * 10_000})
    assert len(str(refused.value)) < 400
