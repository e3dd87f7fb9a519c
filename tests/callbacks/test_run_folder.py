"""What an earlier run has left is refused, gone on with, or replaced on purpose; real runs."""

import json
import shutil
import subprocess
import sys

import pytest
import torch

from emolit.callbacks.run_folder import resumes
from emolit.errors import ConfigError, CorpusError
from emolit.files.folder_lock import hold
from tests.command import emolit
from tests.fakes.tones import write_experiment

CHECKPOINT = "--model.init_args.policy.init_args.checkpoint"
KEPT = """  callbacks:
    - ValidateStart
    - FitReport
    - Report
    - PredictionWriter
    - {class_path: AdapterCheckpoint, init_args: {filename: best, monitor: val/tones/UA}}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory, nano_folder):
    """A config, and the folder of a run that was trained for two steps and tested."""
    folder = tmp_path_factory.mktemp("finished")
    config = write_experiment(folder, nano_folder, speakers=4)
    text = config.read_text().replace("  callbacks:\n", KEPT)
    config.write_text("\n".join(line for line in text.splitlines() if "Journal" not in line))
    run = folder / "run"
    emolit(*fit(config, run), "--trainer.max_steps", 2)
    emolit(*trial(config, run))
    return config, run


@pytest.fixture
def run(finished, tmp_path):
    """The config, and a copy of the folder."""
    config, run = finished
    shutil.copytree(run, tmp_path / "run")
    return config, tmp_path / "run"


HOLD = """
import sys
from pathlib import Path
from emolit.files.folder_lock import hold
print(hold(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def test_a_folder_in_which_another_process_trains_is_left_alone(finished, tmp_path):
    config, _ = finished
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline() == "None\n"
        with pytest.raises(ConfigError, match=rf"a run that is going on, process {other.pid} on"):
            emolit(*fit(config, tmp_path / "run"), "--trainer.max_steps", 1)
    assert not (tmp_path / "run" / "best").exists()


def test_a_run_that_has_come_and_gone_while_this_one_began_is_left_alone(
    finished, tmp_path, monkeypatch
):
    config, other = finished

    def late(folder):
        shutil.copytree(other, folder, dirs_exist_ok=True)
        return hold(folder)

    monkeypatch.setattr("emolit.callbacks.run_folder.hold", late)
    with pytest.raises(ConfigError, match=r"holds a run by now: .*another `--trainer"):
        emolit(*fit(config, tmp_path / "run"), "--trainer.max_steps", 1)
    for name in ("best.ckpt", "fit.json"):
        assert (tmp_path / "run" / name).read_bytes() == (other / name).read_bytes()
    assert not (tmp_path / "run" / ".running").exists()


def fit(config, run):
    return ["fit", "--config", config, "--trainer.default_root_dir", run]


def trial(config, run, stage="test"):
    return [stage, *fit(config, run)[1:], CHECKPOINT, run / "best"]


def files(run):
    """Everything but what TensorBoard reads."""
    return {
        path.relative_to(run): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.suffix != ".yaml" and "tfevents" not in path.name
    }


def test_a_second_fit_is_refused_and_leaves_the_first_as_it_is(run):
    config, folder = run
    before = files(folder)
    curves = set((folder / "fit").iterdir())
    with pytest.raises(ConfigError) as refused:
        emolit(*fit(config, folder), "--trainer.max_steps", 1)
    for told in (str(folder), "best/", "last/", "2 steps", "val/tones/UA", "--ckpt_path last",
                 "--trainer.default_root_dir", "--overwrite true"):  # fmt: skip
        assert told in str(refused.value)
    assert files(folder) == before
    assert set((folder / "fit").iterdir()) == curves  # nor was anything begun


@pytest.mark.filterwarnings("ignore:The dirpath has changed")  # a copy stands elsewhere
def test_a_run_goes_on_with_its_own_checkpoint(run):
    config, folder = run
    emolit(*fit(config, folder), "--trainer.max_epochs", 2, "--ckpt_path", "last")
    assert json.loads((folder / "fit.json").read_text())["steps"] == 4


@pytest.mark.parametrize("named", [False, True])
def test_a_checkpoint_that_was_cut_off_is_named_with_the_one_beside_it(run, named):
    config, folder = run
    last = folder / "last.ckpt"
    last.write_bytes(last.read_bytes()[:5000])
    given = last if named else "last"
    with pytest.raises(ConfigError, match=r"last\.ckpt has 5000 bytes .*--ckpt_path .*best\.ckpt"):
        emolit(*fit(config, folder), "--trainer.max_epochs", 2, "--ckpt_path", given)


def test_overwriting_removes_all_that_was_about_the_first_run(run):
    config, folder = run
    assert (folder / "test" / "scores.json").is_file()
    (folder / "test" / "notes.txt").write_text("mine")
    emolit(*fit(config, folder), "--trainer.max_steps", 1, "--overwrite", "true")
    assert json.loads((folder / "fit.json").read_text())["steps"] == 1
    assert torch.load(folder / "last.ckpt", weights_only=False)["global_step"] == 1
    assert [path.name for path in (folder / "test").iterdir()] == ["notes.txt"]
    kinds = sorted(path.name.partition(".out")[0] for path in (folder / "fit").iterdir())
    assert kinds == ["config.yaml", "events", "hparams.yaml"]


def test_a_start_that_fails_or_is_the_first_run_itself_overwrites_nothing(run, tmp_path):
    config, folder = run
    before = files(folder)
    over = [*fit(config, folder), "--overwrite", "true"]
    wavs = tmp_path / "tones.csv"
    wavs.write_text("path,label,speaker,split\nnowhere.wav,sad,a,train\nnowhere.wav,happy,b,val\n")
    with pytest.raises(CorpusError):
        emolit(*over, "--data.init_args.root", tmp_path)
    with pytest.raises(ConfigError, match="would remove"):
        emolit(*over, CHECKPOINT, folder / "best")
    assert files(folder) == before


def test_a_rehearsal_is_let_through_and_writes_nothing(run):
    config, folder = run
    before = files(folder)
    emolit(*fit(config, folder), "--trainer.fast_dev_run", "true")
    emolit(*trial(config, folder), "--trainer.fast_dev_run", "true")
    assert files(folder) == before


def test_results_are_replaced_on_purpose_only(run):
    config, folder = run
    mark = folder / "test" / "scores.json"
    mark.write_text("{}")
    with pytest.raises(ConfigError, match=r"scores\.json, predictions-tones\.jsonl already.*over"):
        emolit(*trial(config, folder))
    assert mark.read_text() == "{}"
    emolit(*trial(config, folder), "--overwrite", "true")
    assert json.loads(mark.read_text())["corpora"]
    emolit(*trial(config, folder, "predict"))
    emolit(*trial(config, folder, "predict"), "--data.init_args.name", "other")  # another file
    with pytest.raises(ConfigError, match=r"predictions-tones\.jsonl already"):
        emolit(*trial(config, folder, "predict"))


def test_only_a_checkpoint_beside_what_is_there_goes_on_with_it(tmp_path):
    found = [tmp_path / "last"]
    assert resumes(tmp_path, found, "last")
    assert resumes(tmp_path, found, str(tmp_path / "best.ckpt"))
    assert not resumes(tmp_path, found, str(tmp_path / "other" / "last.ckpt"))
    assert not resumes(tmp_path, found, None)
    (tmp_path / "hpc_ckpt_1.ckpt").touch()  # Lightning goes on with it by itself
    assert resumes(tmp_path, found, None)


@pytest.mark.slow
def test_two_processes_are_refused_once_and_overwrite_once(run):
    config, folder = run
    words = [sys.executable, "-m", "emolit", *map(str, fit(config, folder))]
    words += ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--trainer.max_steps", "1"]
    words += ["--data.init_args.loading.batch_size", "4"]
    before = files(folder)
    refused = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
    assert refused.returncode and refused.stderr.count("holds a run already") >= 1
    assert files(folder) == before
    subprocess.run([*words, "--overwrite", "true"], check=True, capture_output=True, timeout=240)
    assert json.loads((folder / "fit.json").read_text())["steps"] == 1
    assert not (folder / "test" / "scores.json").exists()
