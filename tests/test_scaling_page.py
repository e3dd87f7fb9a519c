"""What docs/scaling.md says of a recipe is what `tools.plan` prints."""

import re
from dataclasses import replace
from pathlib import Path

from tools.plan import Recipe, main, memory, seconds, table

PAGE = (Path(__file__).parents[1] / "docs" / "scaling.md").read_text(encoding="utf-8")
FLAT = " ".join(PAGE.split())


def test_the_table():
    assert [row for row in PAGE.splitlines() if row.startswith("| qwen")] == [*table()][2:]


def test_the_sentence(capsys, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1])
    command = re.findall(r"python -m tools\.plan (--config .+)", PAGE)[0]
    assert main(command.split()) == 0
    assert f'"{capsys.readouterr().out.splitlines()[-1]}" (computed)' in FLAT


def test_what_is_gathered():
    seven = Recipe("qwen2_audio", "full", gpus=8, sharded=True)
    gathered = f"{memory(seven)['gathered'] / 1e9:.1f} GB"
    assert f"For Qwen2-Audio-7B that is {gathered} in bfloat16 (computed)" in FLAT
    moe = Recipe("qwen3_omni_30b", "full", 8, "h200", sharded=True, prompts=2, gather="layer")
    more = seconds(moe)["rollout"] - seconds(replace(moe, gather="model"))["rollout"]
    need = f"{sum(memory(moe).values()) / 1e9:.0f} GB a GPU, and {more:.0f} s more a rollout"
    assert f"train on 8 H200: {need} of 64 tokens" in FLAT
