"""Files that break, and workers that die, in the middle of an epoch."""

import json
import os
import re
import subprocess
import sys
import warnings
from collections import Counter

import pytest

from emolit.errors import AudioError
from tests.command import emolit
from tests.fakes.tones import write_experiment

pytestmark = [pytest.mark.slow, pytest.mark.faults]

SAID = {
    "vanishes": "is missing",
    "garbage": "cannot be decoded",
    "silent": "is silent",
    "shorter": "of the 0",
    "numbers": "no finite numbers",
    "folder": "is a folder",
}
CLIPS = 16


@pytest.fixture
def experiment(tmp_path, nano_folder):
    """An epoch of 8 batches of 2 clips, every rollout written down."""
    config = write_experiment(tmp_path, nano_folder, speakers=4)
    text = config.read_text().replace("batch_size: 8", "batch_size: 2, num_workers: WORKERS")
    text = text.replace(", tests.fakes.sounds.Sounds", "").replace(
        "filename: last", "filename: last, every_n_train_steps: 1"
    )
    text = "\n".join(line for line in text.splitlines() if "RewardWatch" not in line)
    config.write_text(text)
    return config


def fit(experiment, workers, *more):
    """Train; return what was warned of."""
    config = experiment.with_name("run.yaml")
    config.write_text(experiment.read_text().replace("WORKERS", str(workers)))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        root = ["--trainer.default_root_dir", experiment.parent / "run"]
        emolit("fit", "--config", config, *root, *more)
    return [str(each.message) for each in told]


def fault(name, **settings):
    words = ["--trainer.callbacks+", "tests.fakes.saboteur.Saboteur"]
    for key, value in {"fault": name, **settings}.items():
        words += [f"--trainer.callbacks.init_args.{key}", value]
    return words


SKIP = ("--data.init_args.loading.on_bad_audio", "skip")


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", list(SAID))
def test_a_file_that_breaks_is_left_out_counted_and_another_takes_its_place(
    experiment, name, workers
):
    told = fit(experiment, workers, *SKIP, *fault(name))
    (said,) = [text for text in told if "Left out" in text]
    assert SAID[name] in said
    assert said.endswith("skip: 1 clips since this run began to read them.")
    lines = (experiment.parent / "run" / "rollouts.jsonl").read_text().splitlines()
    heard = Counter(json.loads(line)["clip"] for line in lines)
    assert sum(heard.values()) == CLIPS  # no batch is smaller
    (twice,) = [clip for clip, count in heard.items() if count == 2]
    (broken,) = {f"wav/s{s}-{i}.wav" for s in range(2) for i in range(8)} - heard.keys()
    assert broken in said
    assert broken != twice


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ["vanishes", "garbage", "silent"])
def test_a_file_that_breaks_ends_a_run_that_skips_none(experiment, name, workers):
    wav = experiment.parent / "data" / "wav"
    whole = {path: path.read_bytes() for path in wav.iterdir()}
    with pytest.raises(AudioError, match=rf"wav/s\d-\d\.wav {SAID[name]}") as caught:
        fit(experiment, workers, *fault(name))
    assert "Traceback" not in str(caught.value)
    assert "--ckpt_path last" in caught.value.__notes__[0]
    for path, content in whole.items():
        path.write_bytes(content)
    fit(experiment, workers, "--ckpt_path", "last")
    lines = (experiment.parent / "run" / "rollouts.jsonl").read_text().splitlines()
    assert len({json.loads(line)["clip"] for line in lines}) == len(lines) == CLIPS


@pytest.mark.parametrize("workers", [0, 2])
def test_a_disk_that_is_gone_ends_the_run_that_skips_single_files(experiment, workers):
    with pytest.raises(AudioError, match=r"too few are left of it\. The last: .* is missing"):
        fit(experiment, workers, *SKIP, *fault("vanishes", clips=CLIPS))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("size", [1, 8])
def test_a_validation_without_a_file_counts_the_others(experiment, workers, size):
    """Files of the validation break while the training runs; none of its answers becomes a 0."""
    held = "tests.fakes.saboteur.HeldOutSaboteur"
    words = [*SKIP, "--data.init_args.loading.eval_batch_size", size]
    told = fit(experiment, workers, *words, "--trainer.callbacks+", held)
    assert sum("Left out" in text for text in told) == (1 if size == 8 else 2)
    scores = json.loads((experiment.parent / "run" / "heard.json").read_text())
    assert scores == {"val": 6}


def test_a_worker_that_is_killed_ends_the_run_with_a_sentence(experiment):
    """In a process of its own, which a hang would keep beyond its time."""
    config = experiment.with_name("run.yaml")
    config.write_text(experiment.read_text().replace("WORKERS", "2"))
    root = ["--trainer.default_root_dir", str(experiment.parent / "run")]
    killer = ["--trainer.callbacks+", "tests.fakes.killer.WorkerKiller"]
    command = [sys.executable, "-m", "emolit", "fit", "--config", str(config), *root]
    quiet = os.environ | {"EMOLIT_TRACEBACK": ""}
    ended = subprocess.run(
        [*command, *killer], capture_output=True, text=True, timeout=400, check=False, env=quiet
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert re.search(
        "which decodes audio for the run, (was ended by a sig|has ended)", ended.stderr
    )
    assert "Lower `loading.num_workers`" in ended.stderr
    assert re.search(r"Stopped in step [23]\. .*--ckpt_path last", ended.stderr)
    subprocess.run([*command, "--ckpt_path", "last"], timeout=400, check=True)
    lines = (experiment.parent / "run" / "rollouts.jsonl").read_text().splitlines()
    assert len({json.loads(line)["clip"] for line in lines}) == len(lines) == CLIPS
