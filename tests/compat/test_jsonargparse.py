"""Lists replace, keys are text, and what emolit changes of jsonargparse is still there."""

from dataclasses import dataclass, field
from importlib.metadata import version
from inspect import signature

import pytest
import yaml
from jsonargparse import ArgumentError, ArgumentParser, _typehints
from jsonargparse._loaders_dumpers import get_yaml_default_loader

from emolit.compat.jsonargparse import ORIGINAL, fit_type, install
from emolit.rewards import Reward
from emolit.rewards.correct import Correct
from emolit.rewards.length import Length

RELIED = (
    "emolit/compat/jsonargparse.py relies on private parts of jsonargparse, and "
    f"{version('jsonargparse')}"
)


@dataclass
class Deep:
    rewards: list[Reward] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    labels: list[str] | None = None


class Holder:
    def __init__(
        self,
        rewards: list[Reward] | Reward | None = None,
        deep: Deep = Deep(),  # noqa: B008
        question: str = "",
    ) -> None:
        self.rewards = rewards


@pytest.fixture
def parser():
    install()
    made = ArgumentParser(exit_on_error=False)
    made.add_argument("--config", action="config")
    made.add_argument("--rewards", type=list[Reward], sub_configs=True)
    made.add_subclass_arguments(Holder, "holder")
    made.add_argument("--names", type=dict[str, str])
    return made


def test_the_parts_of_jsonargparse_that_are_changed_are_there_and_used():
    install()
    arguments = set(signature(ORIGINAL).parameters)
    assert {"val", "typehint", "prev_val", "orig_val", "append"} <= arguments, (
        f"{RELIED} fits values with other arguments: {sorted(arguments)}."
    )
    assert "adapt_typehints" in _typehints.ActionTypeHint._check_type.__code__.co_names, (
        f"{RELIED} fits values elsewhere than in adapt_typehints."
    )
    assert "adapt_typehints" in ORIGINAL.__code__.co_names, f"{RELIED} fits parts elsewhere."
    assert _typehints.adapt_typehints is fit_type
    told = ArgumentParser(exit_on_error=False)
    told.add_argument("--names", type=dict[str, str])
    read = told.parse_args(["--names", "{0: a}"]).names
    assert read == {"0": "a"}, f"{RELIED} reads YAML elsewhere than in get_yaml_default_loader."
    assert issubclass(get_yaml_default_loader(), yaml.constructor.SafeConstructor)


ONE = [
    {"class_path": "Correct", "init_args": {"weight": 0.3, "name": "hit"}},
    {"class_path": "Length", "init_args": {"weight": 5.0}},
]
TWO = [{"class_path": "Length"}, {"class_path": "Correct"}]


def settled(rewards):
    """What an item is that nothing was inherited by."""
    return [(each.class_path.rpartition(".")[2], each.init_args.weight) for each in rewards]


def written(path, key, rewards):
    for part in reversed(key.split(".")):
        rewards = {part: rewards}
    path.write_text(yaml.safe_dump(rewards))
    return f"--config={path}"


@pytest.mark.parametrize(
    "key", ["rewards", "holder.init_args.rewards", "holder.init_args.deep.rewards"]
)
@pytest.mark.parametrize("way", ["file", "option"])
def test_a_second_list_replaces_the_first_whole_at_every_level(parser, tmp_path, key, way):
    start = ["--holder", f"{__name__}.Holder"]
    first = written(tmp_path / "one.yaml", key, ONE)
    second = written(tmp_path / "two.yaml", key, TWO)
    if way == "option":
        second = f"--{key}={TWO}"
    found = parser.parse_args([*start, first, second])[key]
    assert settled(found) == [("Length", Length().weight), ("Correct", Correct().weight)]
    assert [each.init_args.name for each in found] == [None, None]


def test_shelf_files_inherit_nothing_either(parser, tmp_path):
    (tmp_path / "length.yaml").write_text("class_path: Length\n")
    first = written(tmp_path / "one.yaml", "rewards", ONE)
    files = [str(tmp_path / "length.yaml")] * 2
    assert settled(parser.parse_args([first, f"--rewards={files}"]).rewards) == [("Length", 1)] * 2


def test_plus_appends_and_an_option_still_changes_the_last(parser, tmp_path):
    first = written(tmp_path / "one.yaml", "rewards", ONE)
    found = parser.parse_args([first, "--rewards+", "Correct", "--rewards.weight", "7"]).rewards
    assert settled(found) == [("Correct", 0.3), ("Length", 5.0), ("Correct", 7.0)]
    assert found[0].init_args.name == "hit"


@pytest.mark.parametrize("key", ["names", "holder.init_args.deep.names"])
@pytest.mark.parametrize("way", ["file", "option"])
def test_keys_are_text_as_written(parser, tmp_path, key, way):
    start = ["--holder", f"{__name__}.Holder"]
    text = "{0: angry, 1.50: happy, no: sad, yes: calm, null: neutral, 010: bored, 'on': glad}"
    (tmp_path / "names.yaml").write_text(
        f"{key.replace('.', ': {')}: {text}" + "}" * key.count(".")
    )
    given = f"--{key}={text}" if way == "option" else f"--config={tmp_path / 'names.yaml'}"
    assert dict(parser.parse_args([*start, given])[key]) == {
        "0": "angry",
        "1.50": "happy",
        "no": "sad",
        "yes": "calm",
        "null": "neutral",
        "010": "bored",
        "on": "glad",
    }


@pytest.mark.parametrize("question", ["Emotion: {options}", "{options}?", "[a] {options}", "null"])
def test_a_text_that_looks_like_yaml_reaches_an_argument_of_a_class(parser, question):
    found = parser.parse_args([f"--holder={__name__}.Holder", f"--holder.question={question}"])
    assert found.holder.init_args.question == question


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("names: {a: b}\nnames: {c: d}\n", "names", 2),
        ("names:\n  a: b\n  c: d\n  a: e\n", "a", 4),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_its_line(parser, tmp_path, text, key, line):
    path = tmp_path / "twice.yaml"
    path.write_text(text)
    with pytest.raises(ArgumentError, match=rf"the key '{key}' stands twice(?s:.*)line {line}"):
        parser.parse_args([f"--config={path}"])


def test_a_key_may_stand_once_more_than_where_it_is_merged_from(parser, tmp_path):
    path = tmp_path / "merged.yaml"
    path.write_text("names:\n  <<: {a: b, c: d}\n  a: e\n")
    assert dict(parser.parse_args([f"--config={path}"]).names) == {"a": "e", "c": "d"}
