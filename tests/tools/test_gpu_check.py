"""One command measures what a GPU does: here the same path runs on a CPU, with tiny shapes."""

import json
import math
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration

from emolit.errors import RolloutError
from tools import gpu_check
from tools.gpu import card, engines, step
from tools.gpu.rows import Row, guarded
from tools.gpu.setting import SEVEN_B, TINY, Setting
from tools.model_sizes import MODELS

ROOT = Path(__file__).parents[2]
VLLM = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.fakes.vllm import FakeVLLM
assert sys.argv[1] == "serve", sys.argv
server = FakeVLLM(Path(sys.argv[2]), port=int(sys.argv[4]))
server.start()
server.thread.join()
"""


@pytest.fixture
def setting(tmp_path):
    return Setting(TINY, torch.device("cpu"), tmp_path)


def test_a_tiny_check_has_all_rows_and_says_what_it_cannot_measure(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("shutil.which", lambda _: None)
    target = tmp_path / "check.json"
    assert gpu_check.main(["--tiny", "--target", str(target), "--folder", str(tmp_path)]) == 0
    found = json.loads(target.read_text())
    assert found["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert found["date"][:2] == "20" and found["card"].startswith("no GPU: ")
    rows = [Row(**row) for row in found["rows"]]
    assert {row.part for row in rows} == {name for name, *_ in gpu_check.PARTS}
    assert found["parts"] == f"{len(gpu_check.PARTS)} of {len(gpu_check.PARTS)}"
    assert all(row.value is not None or row.note for row in rows)
    assert all(row.value is None or math.isfinite(row.value) for row in rows)
    kept = {(row.part, row.what): row for row in rows}
    for count in engines.ROWS:
        assert "vllm" in kept["rollout", f"VLLMServer, {count} rows"].note
        beside = kept["rollout", f"Eager, adapters beside, {count} rows"]
        assert 0 < beside.value < beside.beside
    assert kept["attention", "gradients that are no numbers, emolit"].value == 0
    assert kept["attention", "gradients that are no numbers, cuDNN"].value is None
    for part in ("lora", "fsdp2"):
        stages = sum(kept[part, stage].value for stage in step.STAGES)
        assert stages == pytest.approx(kept[part, "step"].value, rel=1e-6)  # of one round
    for name in ("weights", "gradients", "AdamW", "cache"):
        row = kept["lora", f"memory: {name}"]
        assert row.value == pytest.approx(row.beside, rel=1e-6), name
    assert kept["lora", "memory: AdamW"].value == 2 * kept["lora", "memory: gradients"].value
    assert not list(tmp_path.glob("*/shape"))  # random weights are removed


def test_an_error_of_a_part_is_a_row_behind_those_before_it():
    def fails(error):
        yield Row("mine", "first", 1.0)
        raise error

    for error in (RolloutError("nobody answers"), torch.OutOfMemoryError("too large\nfor this")):
        first, last = guarded("mine", partial(fails, error))
        assert first.value == 1.0
        assert (last.what, last.value) == ("stopped", None)
        assert last.note == f"{type(error).__name__}: {str(error).splitlines()[0]}"
    with pytest.raises(TypeError):  # a mistake of the check's own
        guarded("mine", partial(fails, TypeError("odd")))


def test_no_part_begins_when_the_time_is_over(setting):
    rows = [row for (row,) in gpu_check.measure(setting, minutes=-1)]
    assert [(row.part, row.what) for row in rows] == [
        (name, f"left out: {what}") for name, what, _ in gpu_check.PARTS
    ]
    assert all(row.note and row.value is None for row in rows)


def test_a_part_begins_where_as_much_time_is_left_as_the_longest_took(setting, monkeypatch):
    """Of 60 s, 20 and 25 are taken: 15 are too few for another 25, whatever comes."""

    def takes(seconds):
        def measure(_):
            clock[0] += seconds
            yield Row("mine", f"{seconds} s", float(seconds), "s")

        return measure

    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    parts = [("mine", f"part {seconds}", takes(seconds)) for seconds in (20, 25, 30, 1)]
    monkeypatch.setattr(gpu_check, "PARTS", parts)
    rows = [row for (row,) in gpu_check.measure(setting, minutes=1)]
    assert [row.what for row in rows] == ["20 s", "25 s", "left out: part 30", "left out: part 1"]
    assert rows[2].note.startswith("15 s were left, and a part before took 25")


def test_what_was_measured_before_a_kill_is_kept(tmp_path, monkeypatch):
    def killed(_):
        raise KeyboardInterrupt
        yield

    target = tmp_path / "new" / "check.json"
    parts = (gpu_check.PARTS[0], ("mine", "killed", killed))
    monkeypatch.setattr(gpu_check, "PARTS", parts)
    with pytest.raises(KeyboardInterrupt):
        gpu_check.main(["--tiny", "--target", str(target)])
    found = json.loads(target.read_text())
    assert found["parts"] == "1 of 2" and found["versions"]
    assert [row["what"] for row in found["rows"]] == ["bandwidth of a copy"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target", "FOLDER"], "--target is 'FOLDER'; give a file"),
        (["--target", "FOLDER/file/check.json"], "(File exists); give another file"),
        (["--folder", "FOLDER/missing"], "--folder is 'FOLDER/missing'; give a folder"),
        (["--folder", "FOLDER/file"], "--folder is 'FOLDER/file'; give a folder"),
        (["--vllm", "FOLDER/vllm"], "--vllm is 'FOLDER/vllm', which is no command"),
        (["--minutes", "0"], "--minutes is 0; give more than 0."),
        (["--minutes", "nan"], "--minutes is nan; give more than 0."),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_measured(
    tmp_path, monkeypatch, capsys, words, said
):
    (tmp_path / "file").touch()
    monkeypatch.setattr(gpu_check, "PARTS", None)
    words = ["--tiny", "--target", str(tmp_path / "x.json"), *words]
    with pytest.raises(SystemExit) as ended:
        gpu_check.main([word.replace("FOLDER", str(tmp_path)) for word in words])
    assert ended.value.code == 2
    assert said.replace("FOLDER", str(tmp_path)) in capsys.readouterr().err


def test_a_gradient_that_is_no_number_is_counted_under_the_conditions_of_the_report(
    setting, monkeypatch
):
    def odd(query, key, value, attn_mask):
        logits = (query @ key.mT).float() / 8  # the root of the width
        seen.append(logits.masked_fill(~attn_mask, float("-inf")).logsumexp(-1))
        return value + (query.mean() - query.mean().detach()).sqrt()  # a slope without end

    seen = []
    assert card.broken(setting.device) == 0
    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", odd)
    assert card.broken(setting.device) == card.LENGTH * card.WIDTH
    assert seen[0].max() < -88.7 and card.LENGTH % 128 == 64


def test_the_large_shape_is_that_of_the_plan():
    """Built without memory, it has the parameters of Qwen2-Audio-7B, as the plan counts them."""
    with torch.device("meta"):
        network = Qwen2AudioForConditionalGeneration(
            Qwen2AudioConfig(
                audio_config=SEVEN_B.tower, text_config={"model_type": "qwen2", **SEVEN_B.text}
            )
        )
    found = sum(weight.numel() for weight in network.parameters())
    assert found == pytest.approx(MODELS["qwen2_audio"].parameters, rel=2e-4)


def test_without_a_gpu_the_large_shape_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        gpu_check.main([])
    assert "`--tiny` runs the same path on a CPU" in capsys.readouterr().err


@pytest.mark.slow
def test_a_server_is_started_given_the_weights_and_ended(setting, tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "START", 900.0)  # on a busy core
    setting.vllm = str(tmp_path / "vllm")
    Path(setting.vllm).write_text(VLLM)
    Path(setting.vllm).chmod(0o755)
    setting.bandwidth = 1e9
    rows = guarded("rollout", partial(engines.vllm, setting))
    assert [row.what.partition(", ")[0] for row in rows] == ["VLLMServer"] * 4, rows[-1].note
    assert all(row.value > 0 for row in rows)


def test_a_server_that_ends_at_once_is_told_with_its_last_line(setting, tmp_path):
    setting.vllm = str(tmp_path / "vllm")
    Path(setting.vllm).write_text("#!/bin/sh\necho no room\nexit 3\n")
    Path(setting.vllm).chmod(0o755)
    (last,) = guarded("rollout", partial(engines.vllm, setting))
    assert "no room" in last.note


@pytest.mark.gpu
def test_a_gpu_is_measured(tmp_path):
    target = tmp_path / "check.json"
    assert gpu_check.main(["--target", str(target), "--folder", str(tmp_path)]) == 0
    rows = [Row(**row) for row in json.loads(target.read_text())["rows"]]
    whole = next(row for row in rows if row.what == "memory: peak, learning")
    assert 0.5 < whole.value / whole.beside < 1.5
