"""What TensorBoard's own server shows of a run: each tag, in the one place it is meant for."""

import json
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from html import unescape
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from emolit.callbacks.main_settings import BLANK
from emolit.callbacks.run_board import METRICS
from tests.command import emolit
from tests.fakes.tones import write_experiment

pytestmark = pytest.mark.filterwarnings("ignore:RewardWatch at step")  # an alarm is a text too

ALL = """  val_check_interval: 1
  callbacks:
    - ValidateStart
    - {class_path: AdapterCheckpoint, init_args: {filename: best, monitor: val/tones/UA}}
    - FitReport
    - Report
    - PredictionWriter
    - Pictures
    - {class_path: RewardHistograms, init_args: {every_n_steps: 1}}
    - {class_path: SyncReference, init_args: {every_n_steps: 1}}
"""
"""Every callback that writes; the last checkpoint, the journal and the watch are there already."""
SERVER = """
import sys
from tensorboard.program import TensorBoard
server = TensorBoard()
server.configure(argv=["", "--logdir", sys.argv[1], "--port", "0", "--load_fast", "false"])
print(server.launch(), flush=True)
sys.stdin.read()
"""
"""Serves a folder until its input is closed; says where."""
PLUGINS = ("scalars", "histograms", "images", "audio", "text")
KINDS = {"simple_value": "scalars", "histo": "histograms", "image": "images", "audio": "audio"}
"""What a writer has chosen, as the fields of an event say it; another value is a plugin's own."""
OWN = {"hparams": "hparams", "custom_scalars": "layout"}
"""Plugins that show no tags of their own: a table of runs, and a page of charts."""


@pytest.fixture(scope="module")
def written(tmp_path_factory, nano_folder):
    """The folder of a short run and its test; how often each tag was written, by run and kind."""
    folder = tmp_path_factory.mktemp("board")
    config = write_experiment(folder, nano_folder, speakers=4)
    plain = config.with_name("plain.yaml")
    plain.write_text(config.read_text())
    config.write_text(config.read_text().replace("  callbacks:\n", ALL))
    root = ["--config", config, "--trainer.default_root_dir", folder / "run"]
    watch = ["--trainer.callbacks.init_args.flat", 0.0]  # the last one: raises an alarm
    emolit("fit", *root, "--trainer.max_steps", 2, *watch)
    best = ["--model.init_args.policy.init_args.checkpoint", folder / "run" / "best"]
    emolit("test", *root, *best)
    for task in ("SupervisedFinetuning", "BufferedReinforcementFinetuning"):
        other = ["--trainer.default_root_dir", folder / "run" / task, "--trainer.max_steps", 2]
        emolit("fit", "--config", plain, *other, "--model", task)
    return folder / "run", counted(folder / "run")


def counted(root: Path) -> dict[str, Counter[tuple[str, str]]]:
    found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for path in root.rglob("events.out.tfevents.*"):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                plugin = OWN.get(value.metadata.plugin_data.plugin_name, "text")
                kind = KINDS.get(value.WhichOneof("value"), plugin)
                found[str(path.parent.relative_to(root))][kind, value.tag] += 1
    return found


@pytest.fixture(scope="module")
def ask(written):
    """Ask a server that has read the runs."""
    words = [sys.executable, "-c", SERVER, str(written[0])]
    quiet = {"stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **quiet) as server:
        yield variation(server.stdout.readline().strip(), set(written[1]))
        server.stdin.close()


def variation(url, runs):
    """Return what asks a server, which has read all runs."""

    def get(path, **query):
        with urlopen(f"{url}data/plugin/{path}?{urlencode(query)}", timeout=60) as answer:
            return json.load(answer)

    until = time.monotonic() + 60
    while set(get("images/tags")) != runs and time.monotonic() < until:
        time.sleep(0.2)  # the server reads in a thread
    return get


def test_each_tag_is_shown_where_it_was_written_for_and_nowhere_else(written, ask):
    runs = written[1]
    names = ("SupervisedFinetuning/fit", "BufferedReinforcementFinetuning/fit")
    assert set(runs) == {"fit", "test", *names}
    for plugin in PLUGINS:
        shown = {run: set(tags) for run, tags in ask(f"{plugin}/tags").items() if tags}
        meant = {run: {tag for kind, tag in tags if kind == plugin} for run, tags in runs.items()}
        assert shown == {run: tags for run, tags in meant.items() if tags}, plugin
    for tags in runs.values():
        assert {tag: n for tag, n in Counter(tag for _, tag in tags).items() if n > 1} == {}


def test_the_server_gives_every_point_of_every_curve(written, ask):
    for run, tags in written[1].items():
        for (kind, tag), times in tags.items():
            if kind == "scalars":
                assert len(ask("scalars/scalars", run=run, tag=tag)) == times, tag


def test_all_kinds_are_there(written):
    tags = {pair for found in written[1].values() for pair in found}
    assert {kind for kind, _ in tags} == {*PLUGINS, *OWN.values()}
    for reward in ("reward/correct", "reward/well_formed", "train/reward"):
        assert {("scalars", reward), ("histograms", f"spread/{reward}")} <= tags
    assert {("text", "rollouts/0/text_summary"), ("audio", "rollouts/0")} <= tags


def test_nothing_is_drawn_that_is_a_line_at_0_by_construction(written):
    for name, tags in written[1].items():
        curves = {tag for kind, tag in tags if kind == "scalars"}
        several = name.startswith("Buffered")
        assert {"train/clipped", "train/drift"} & curves == (
            {"train/clipped", "train/drift"} if several else set()
        )
        assert not any(tag.startswith("test/tones/recall") for tag in curves)


def test_runs_compare_by_their_settings_and_their_best_score(written, ask):
    asked = {"experimentName": "", "includeMetrics": True}
    columns = ask("hparams/experiment", request=json.dumps(asked))
    assert {info["name"] for info in columns["hparamInfos"]} == set(BLANK)
    assert {info["name"]["tag"] for info in columns["metricInfos"]} == set(METRICS)
    states = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]
    wanted = {"experimentName": "", "allowedStatuses": states, "startIndex": 0, "sliceSize": 9}
    names = [{"hparam": info["name"]} for info in columns["hparamInfos"]]
    scores = [{"metric": info["name"]} for info in columns["metricInfos"]]
    wanted["colParams"] = [*names, *scores]
    groups = ask("hparams/session_groups", request=json.dumps(wanted))["sessionGroups"]
    rows = {
        group["sessions"][0]["name"]: (
            group["hparams"],
            {value["name"]["tag"]: value["value"] for value in group["metricValues"]},
        )
        for group in groups
    }
    assert set(rows) == set(written[1]) - {"test"}
    settings, values = rows["fit"]
    assert settings["task"] == "ReinforcementFinetuning"
    assert settings["learning_rate"] == 0.1
    assert settings["rewards"] == "1 * correct, 1 * well_formed, 1 * sounds"
    chosen = json.loads((written[0] / "best" / "selection.json").read_text())
    assert values["score/best"] == pytest.approx(chosen["score"])
    assert "group_size" not in {
        name for name, value in rows["SupervisedFinetuning/fit"][0].items() if value
    }


def test_the_overview_has_its_charts_and_each_draws_curves(ask):
    (page,) = ask("custom_scalars/layout")["category"]
    assert page["title"] == "overview"
    drawn = {}
    for chart in page["chart"]:
        for pattern in chart["multiline"]["tag"]:
            found = [
                ask("custom_scalars/scalars", run=run, tag=pattern)
                for run in ("fit", "SupervisedFinetuning/fit")
            ]
            assert all(each["regex_valid"] for each in found)
            drawn[chart["title"]] = set().union(*(each["tag_to_events"] for each in found))
    assert list(drawn)[:2] == ["reward", "each reward"] or "loss" in drawn
    assert [title for title, tags in drawn.items() if not tags] == []
    assert drawn["reward"] == {"train/reward"}
    assert drawn["each reward"] == {"reward/correct", "reward/well_formed", "reward/sounds"}


def test_a_rollout_and_its_sound_have_one_tag_and_the_same_steps(written, ask):
    for index in range(8):
        sounds = ask("audio/audio", run="fit", tag=f"rollouts/{index}", sample=0)
        pages = ask("text/text", run="fit", tag=f"rollouts/{index}/text_summary")
        assert [each["step"] for each in sounds] == [each["step"] for each in pages]
        assert f"rollouts/{index}, step {pages[0]['step']}" in unescape(pages[0]["text"])
    lines = (written[0] / "rollouts.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["step"] for line in lines} == {each["step"] for each in pages}


def test_every_tag_stands_in_the_docs(written):
    page = (Path(__file__).parents[1] / "docs" / "curves.md").read_text(encoding="utf-8")
    names = [name for cell in re.findall(r"^\|([^|]+)\|", page, re.MULTILINE)
             for name in re.findall(r"`([^`]+)`", cell)]  # fmt: skip
    known = [re.sub(r"<[^>]+>", "[^/]+", name) + "(/[^/]+)?" for name in names]
    tags = {tag for found in written[1].values() for kind, tag in found if kind in PLUGINS}
    assert sorted(tag for tag in tags if not any(re.fullmatch(k, tag) for k in known)) == []
