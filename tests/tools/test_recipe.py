"""What an experiment's file trains, which model it begins with, and which files are no training."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tools.recipe import recipe_of

CONFIGS = Path(__file__).parents[2] / "configs"
EXPERIMENTS = CONFIGS / "experiments"


def test_the_recipes_are_those_of_the_files():
    full = recipe_of(EXPERIMENTS / "emo_rl/iemocap/grpo.yaml")
    assert (full.model, full.trains, full.group) == ("qwen2_audio", "full", 6)
    assert (full.response_tokens, full.reference) == (512, True)
    adapted = recipe_of(EXPERIMENTS / "affectgpt_rl/qwen25_omni/sft.yaml")
    assert (adapted.model, adapted.trains, adapted.group) == ("qwen25_omni", "lora", 0)
    assert recipe_of(EXPERIMENTS / "qwen2_audio/grpo.yaml").reference is True
    assert adapted.copies and full.copies and not replace(full, sharded=True).copies


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("affectgpt_rl/qwen25_omni/grpo", "qwen25_omni"),
        ("mecap_r1/emotiontalk/grpo", "qwen2_audio"),
        ("qwen2_audio/sft", "qwen2_audio"),
        ("ratings/grpo", "qwen2_audio"),
    ],
)
def test_a_warm_start_is_that_of_the_experiment_beside_it(name, model):
    assert recipe_of(EXPERIMENTS / f"{name}.yaml").model == model


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("emo_rl/small/grpo", "runs/emo_rl/model"),  # the warm start's
        ("emo_rl/small/enumerated_answers", "runs/emo_rl/eur_sft/best"),
        ("assembled/sft", "runs/assembled/model"),
        ("demo/grpo", "weights of its own"),
    ],
)
def test_a_model_of_unknown_size_is_refused_unless_one_is_named(name, begins):
    path = EXPERIMENTS / f"{name}.yaml"
    with pytest.raises(SystemExit, match=f"begins with {begins}, whose sizes are not known"):
        recipe_of(path)
    assert recipe_of(path, "qwen25_omni").model == "qwen25_omni"


def test_experiments_that_begin_with_each_other_have_no_size(tmp_path):
    node = yaml.safe_load((EXPERIMENTS / "qwen2_audio/grpo.yaml").read_text(encoding="utf-8"))
    node["model"]["init_args"]["objective"] = None
    policy = node["model"]["init_args"]["policy"]["init_args"]
    for mine, other in (("grpo", "sft"), ("sft", "grpo")):
        policy["checkpoint"] = f"runs/{other}/best"
        node["trainer"]["default_root_dir"] = f"runs/{mine}"
        (tmp_path / f"{mine}.yaml").write_text(yaml.safe_dump(node), encoding="utf-8")
    with pytest.raises(SystemExit, match="whose sizes are not known"):
        recipe_of(tmp_path / "grpo.yaml")


def test_a_run_folder_of_another_experiment_says_nothing(tmp_path):
    for name in ("grpo", "sft"):
        text = (EXPERIMENTS / f"ratings/{name}.yaml").read_text(encoding="utf-8")
        text = text.replace("default_root_dir: runs/ratings/sft", "default_root_dir: runs/mine/sft")
        (tmp_path / f"{name}.yaml").write_text(text.replace("../../", f"{CONFIGS}/"))
    with pytest.raises(SystemExit, match="begins with runs/ratings/sft/best, whose sizes"):
        recipe_of(tmp_path / "grpo.yaml")


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.rglob("test.yaml")), ids=str)
def test_a_test_is_told_as_such(path):
    with pytest.raises(SystemExit, match=r"names no `batch_size`|whose sizes are not known"):
        recipe_of(path)


@pytest.mark.parametrize("name", ["trainers/fsdp", "overlays/emo_rl_short", "rewards/correct"])
def test_what_is_no_experiment_is_told_as_such(name):
    with pytest.raises(SystemExit, match="is no experiment, which has `trainer`, `data`"):
        recipe_of(CONFIGS / f"{name}.yaml")
