"""Every shipped YAML is sound, every experiment runs, and a typo is named by its path."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from emolit.cli import main
from tests.command import emolit

CONFIGS = Path(__file__).parents[1] / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))
EXPERIMENTS = sorted((CONFIGS / "experiments").rglob("*.yaml"))
SWEEPS = sorted((CONFIGS / "sweeps").rglob("*.yaml"))


class Strict(yaml.SafeLoader):
    """Refuses a key that stands twice, where YAML keeps the last silently."""


def once(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    repeated = {key for key in keys if keys.count(key) > 1}
    assert not repeated, f"{node.start_mark}: {repeated}"
    return loader.construct_mapping(node, deep=True)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, once)


def named(paths):
    return [pytest.param(path, id=str(path.relative_to(CONFIGS))) for path in paths]


@pytest.mark.parametrize("path", named(FILES))
def test_no_key_stands_twice(path):
    assert yaml.load(path.read_text(), Loader=Strict)


def test_a_key_that_stands_twice_would_be_found():
    with pytest.raises(AssertionError, match="lr"):
        yaml.load("{lr: 1, lr: 2}", Loader=Strict)


@pytest.mark.parametrize("path", named(EXPERIMENTS))
def test_every_experiment_parses_and_prints_itself_whole(path, capsys):
    subcommand = "test" if path.stem == "test" else "fit"
    with pytest.raises(SystemExit) as stopped:
        emolit(subcommand, "--config", path, "--print_config")
    assert stopped.value.code == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["model"]["class_path"].startswith("emolit.tasks.")
    assert printed["prompt"]["class_path"].startswith("emolit.prompts.")


@pytest.mark.parametrize("path", named(SWEEPS))
def test_every_stage_of_a_sweep_parses(path, monkeypatch, capsys):
    """Those of its first fold and seed; others differ in numbers only."""
    monkeypatch.chdir(CONFIGS.parent)
    from emolit.commands.sweep.plan import read
    from emolit.commands.sweep.words import command

    sweep = read(path.relative_to(CONFIGS.parent))
    stages = [stage for stage in sweep.stages.values() if stage.cell == sweep.cells[0]]
    for stage in stages:
        if not stage.candidates:
            words = ["00:00:01:00" if "<wall" in word else word for word in command(stage)]
            with pytest.raises(SystemExit) as stopped:
                emolit(*words[1:], "--print_config")
            assert stopped.value.code == 0, capsys.readouterr().err


NODES = {
    "corpora": "--data",
    "prompts": "--prompt",
    "policies": "--model.init_args.policy",
    "objectives": "--model.init_args.objective",
    "demonstrations": "--model.init_args.demonstrations",
    "evaluators": "--model.init_args.evaluator",
    "rewards": "--model.init_args.rewards+",
    "rollouts": "--model.init_args.rollouts",
    "trainers": "--trainer",
}


OVER_OPTIONS = ("expected_reward", "soft_labels")
"""Objectives of `EnumeratedFinetuning`."""


def test_every_folder_of_nodes_has_its_option():
    rooted = {*EXPERIMENTS, *SWEEPS}
    folders = {path.parent.name for path in FILES if path not in rooted}
    assert folders == {*NODES, *OVER_ANY, "overlays"}


OVER_ANY = {"augmentations": ("fit", "demo/sft"), "conditions": ("test", "demo/test")}
"""Folders of overlays for any experiment: the stage that they are for, and an experiment."""


@pytest.mark.parametrize("path", named(path for path in FILES if path.parent.name in OVER_ANY))
def test_what_goes_over_any_experiment_leaves_the_rest_of_loading(path, capsys):
    stage, name = OVER_ANY[path.parent.name]
    experiment = CONFIGS / "experiments" / f"{name}.yaml"
    with pytest.raises(SystemExit) as stopped:
        emolit(stage, "--config", experiment, "--config", path, "--print_config")
    assert stopped.value.code == 0
    loading = yaml.safe_load(capsys.readouterr().out)["data"]["init_args"]["loading"]
    assert loading[path.parent.name]
    own = yaml.safe_load(experiment.read_text())["data"]["init_args"]["loading"]
    assert loading["eval_batch_size"] == own["eval_batch_size"]


OVERLAID = {
    "affectgpt_rl_control": "affectgpt_rl/emogator/sft.yaml",
    "affectgpt_rl_emogator_think": "affectgpt_rl/emogator/grpo.yaml",
    "affectgpt_rl_think": "affectgpt_rl/qwen25_omni/grpo.yaml",
    "emo_rl_control": "emo_rl/small/sft.yaml",
    "ratings_msp_podcast": "ratings/sft.yaml",
}
"""The experiment that an overlay is for; all others are for GRPO of EMO-RL at small scale."""


@pytest.mark.parametrize("path", named(path for path in FILES if path.parent.name == "overlays"))
def test_every_overlay_goes_over_the_experiment_that_it_is_for(path, capsys):
    experiment = CONFIGS / "experiments" / OVERLAID.get(path.stem, "emo_rl/small/grpo.yaml")
    with pytest.raises(SystemExit) as stopped:
        emolit("fit", "--config", experiment, "--config", path, "--print_config")
    assert stopped.value.code == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    "path", named(path for path in FILES if path.parent.name in NODES and path.parts)
)
def test_every_node_fits_into_an_experiment(path, capsys):
    name = "enumerated" if path.stem in OVER_OPTIONS else "grpo"
    experiment = CONFIGS / "experiments" / "demo" / f"{name}.yaml"
    with pytest.raises(SystemExit) as stopped:
        emolit("fit", "--config", experiment, NODES[path.parent.name], path, "--print_config")
    assert stopped.value.code == 0, capsys.readouterr().err
    node, printed = yaml.safe_load(path.read_text()), yaml.safe_load(capsys.readouterr().out)
    for key in NODES[path.parent.name].strip("-+").split("."):
        printed = printed[key]
    found = printed[-1] if isinstance(printed, list) else printed
    if "class_path" in node:
        assert found["class_path"].endswith(f".{node['class_path']}")
        found, node = found.get("init_args", {}), node.get("init_args", {})
    plain = {name: value for name, value in node.items() if not isinstance(value, list | dict)}
    assert plain.items() <= found.items()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model.init_args.objective.init_args.clipp", "0.3"], "clipp"),
        (["--data.init_args.rooot", "x"], "rooot"),
        (["--model.init_args.rewards+", "Corect"], "Corect"),
        (["--model.init_args.group_size", "many"], "group_size"),
    ],
)
def test_a_typo_fails_at_parse_and_is_named(arguments, words, capsys):
    path = CONFIGS / "experiments" / "demo" / "grpo.yaml"
    with pytest.raises(SystemExit) as stopped:
        emolit("fit", "--config", path, *arguments)
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


def test_a_typo_in_a_file_is_named_by_its_path(tmp_path, capsys):
    text = (CONFIGS / "experiments" / "demo" / "grpo.yaml").read_text()
    text = text.replace("../../", f"{CONFIGS}/").replace("group_size", "grup_size")
    (tmp_path / "typo.yaml").write_text(text)
    with pytest.raises(SystemExit):
        emolit("fit", "--config", tmp_path / "typo.yaml")
    message = capsys.readouterr().err
    assert re.search(r"model.*grup_size", message, flags=re.DOTALL)


def test_overlays_merge_and_plus_appends(tmp_path, capsys):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        "model: {init_args: {group_size: 3, "
        "rewards+: [{class_path: Correct, init_args: {name: again}}]}}"
    )
    path = CONFIGS / "experiments" / "demo" / "grpo.yaml"
    with pytest.raises(SystemExit):
        emolit("fit", "--config", path, "--config", overlay, "--print_config")
    printed = yaml.safe_load(capsys.readouterr().out)["model"]["init_args"]
    assert printed["group_size"] == 3
    assert [reward["class_path"].rsplit(".", 1)[-1] for reward in printed["rewards"]] == [
        "Correct", "WellFormed", "Correct",
    ]  # fmt: skip


@pytest.mark.skipif(find_spec("deepspeed") is not None, reason="deepspeed is installed")
def test_without_deepspeed_its_trainer_says_what_to_install():
    experiment, trainer = (
        CONFIGS / "experiments/demo/grpo.yaml",
        CONFIGS / "trainers/deepspeed.yaml",
    )
    with pytest.raises(MisconfigurationException, match=r"DeepSpeed installed.*pip install"):
        emolit("fit", "--config", experiment, "--trainer", trainer)


def test_the_command_is_installed_under_its_name():
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="emolit")
    assert script.load() is main
