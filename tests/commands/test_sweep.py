"""Sweeps: what is run, in which order, what is skipped, refused, resumed and recorded."""

import fcntl
import hashlib
import importlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from emolit.errors import ConfigError
from tests.command import emolit
from tests.fakes.command import calls, stand_in
from tests.fakes.tones import write_tones

ROOT = Path(__file__).parents[2]
SWEEP = """
root: runs
axes: {fold: [1, 2], seed: [0, 1], reward: [binary, graded]}
options: {data.fold: "{fold}"}
arms:
  sft:
    train: {fit: sft.yaml}
    test: &test {test: test.yaml}
  "{reward}-grpo":
    train: {fit: [grpo.yaml, "{reward}.yaml"], from: sft/train, set: {rewards: [1, "{reward}"]}}
    test: *test
"""
CONTINUED = """
root: runs
arms:
  continued:
    train:
      fit: sft.yaml
      from: sft/train
      same_wall_time_as: grpo/train
      best_of: {lr: [0.01, 0.12, 0.5]}
      set: {lr: "{lr}"}
    test: {test: test.yaml}
  sft: {train: {fit: sft.yaml}}
  grpo: {train: {fit: grpo.yaml, from: sft/train}}
"""


@pytest.fixture
def tool(monkeypatch):
    """The command; its stages print where the test does, which Snakemake decides at its import."""
    importlib.import_module("snakemake.cli")
    monkeypatch.setattr(sys.modules["snakemake.shell"], "STDOUT", None)
    return importlib.import_module("emolit.commands.sweep.command")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a command that stands in for emolit."""
    stand_in(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(place, text, name="sweep.yaml"):
    (place / name).write_text(text)
    return str(place / name)


def record(folder):
    return json.loads((folder / "run.json").read_text())


def test_arms_are_repeated_over_the_axes_of_their_names_and_over_folds_and_seeds(place, tool):
    sweep = tool.read(Path(write(place, SWEEP)))
    assert sweep.arms == ("sft", "binary-grpo", "graded-grpo")
    assert len(sweep.stages) == 3 * 2 * 4
    assert sweep.cells[1] == {"fold": 1, "seed": 1}
    stage = sweep.stages[Path("runs/graded-grpo/fold2-seed1/train")]
    assert stage.options == {"data.fold": 2, "rewards": [1, "graded"]}
    assert [path.name for path in stage.configs] == ["grpo.yaml", "graded.yaml"]
    assert stage.start == Path("runs/sft/fold2-seed1/train")
    test = sweep.stages[Path("runs/graded-grpo/fold2-seed1/test")]
    assert test.start == stage.folder


def test_a_dry_run_prints_the_commands_and_runs_nothing(place, tool, capsys):
    path = write(place, SWEEP)
    assert tool.main([path, "--dry-run", "--only", "binary-grpo", "--", "--x", "a b"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 * 4
    assert lines[:3] == [
        "emolit fit --config sft.yaml --data.fold 1 --seed_everything 0 "
        "--trainer.default_root_dir runs/sft/fold1-seed0/train --x 'a b'",
        "emolit fit --config grpo.yaml --config binary.yaml --data.fold 1 "
        "--rewards '[1, \"binary\"]' --seed_everything 0 "
        "--trainer.default_root_dir runs/binary-grpo/fold1-seed0/train "
        "--model.init_args.policy.init_args.checkpoint runs/sft/fold1-seed0/train/best --x 'a b'",
        "emolit test --config test.yaml --data.fold 1 --seed_everything 0 "
        "--trainer.default_root_dir runs/binary-grpo/fold1-seed0/test "
        "--model.init_args.policy.init_args.checkpoint "
        "runs/binary-grpo/fold1-seed0/train/best --x 'a b'",
    ]
    assert not (place / "runs").exists()
    assert not calls(place)


def test_a_shared_start_is_trained_once_and_finished_stages_are_skipped(place, tool, capfd):
    path = write(place, SWEEP)
    assert tool.main([path, "--only", "binary-grpo"]) == 0
    assert sum("/sft/" in line.split("--model")[0] for line in calls(place)) == 4
    assert len(calls(place)) == 12
    assert tool.main([path]) == 0
    assert len(calls(place)) == 24
    assert len(set(calls(place))) == 24
    assert tool.main([path]) == 0
    assert len(calls(place)) == 24
    assert capfd.readouterr().out.splitlines()[-1].startswith("finished  runs/graded-grpo")


def test_a_run_records_what_it_was(place, tool):
    tool.main([write(place, SWEEP)])
    folder = place / "runs" / "graded-grpo" / "fold1-seed0"
    found = record(folder / "test")
    assert [found[key] for key in ("arm", "stage", "fold", "seed")] == ["graded-grpo", "test", 1, 0]
    assert found["command"].startswith("emolit test --config test.yaml --data.fold 1")
    saved = (folder / "test" / "config.yaml").read_bytes()
    assert json.loads(saved)[0] == "test"
    assert hashlib.sha256(saved).hexdigest().startswith(found["config"])
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    assert found["commit"].removesuffix("-dirty") == (head.stdout.strip() or "unknown")
    train = record(folder / "train")
    assert found["trained_config"] == train["config"] != found["config"]
    assert found["trained_command"] == train["command"]
    assert (folder / "train" / "output.txt").read_text() == "hello from fit\n"


def test_the_best_of_a_search_trains_as_long_as_another_stage_and_is_tested(place, tool):
    assert tool.main([write(place, CONTINUED), "--only", "continued"]) == 0
    lines = calls(place)
    assert [line.split()[0] for line in lines] == ["fit"] * 5 + ["test"]
    assert ["/sft/" in lines[0], "/grpo/" in lines[1]] == [True, True]
    for line, rate in zip(lines[2:5], ("0.01", "0.12", "0.5"), strict=True):
        assert f"--lr {rate} " in line
        assert f"continued/seed0/train,lr={rate} " in line
        assert "--trainer.max_time 00:01:01:11 --trainer.max_epochs -1" in line  # 3671.2 s
        assert line.endswith("sft/seed0/train/best")
    folder = place / "runs" / "continued" / "seed0"
    scores = json.loads((folder / "train" / "choice.json").read_text())
    assert scores == pytest.approx(
        {"train,lr=0.01": 0.91, "train,lr=0.12": 0.98, "train,lr=0.5": 0.6}
    )
    assert (folder / "train" / "best").resolve() == (folder / "train,lr=0.12" / "best").resolve()
    assert lines[5].endswith("continued/seed0/train/best")
    tested = record(folder / "test")
    assert tested["trained_command"] == record(folder / "train,lr=0.12")["command"]
    assert record(folder / "train")["config"] == record(folder / "train,lr=0.12")["config"]


def test_a_failing_stage_stops_its_arm_and_what_starts_from_it_and_no_others(place, tool, capfd):
    text = SWEEP.replace("fit: [grpo.yaml", "fit: [sft.yaml").replace("[0, 1]", "[0]")
    text = text.replace("  sft:\n", "  bad:\n    train: {fit: sft.yaml, set: {fail: 1}}\n"
                        "    test: {test: test.yaml}\n  from_bad:\n"
                        "    train: {fit: sft.yaml, from: bad/train}\n  sft:\n")  # fmt: skip
    assert tool.main([write(place, text)]) == 1
    out = capfd.readouterr().out
    assert "not done  runs/bad/fold1-seed0/train: it ended with status 1" in out
    assert "    no such luck" in out
    assert "not done  runs/bad/fold1-seed0/test: runs/bad/fold1-seed0/train has failed." in out
    assert "not done  runs/from_bad/fold1-seed0/train: runs/bad/fold1-seed0/train has failed" in out
    assert sum("bad" in line for line in calls(place)) == 2  # one a fold
    assert (place / "runs" / "graded-grpo" / "fold2-seed0" / "test" / "run.json").is_file()
    # what has failed is not finished: mended, it runs
    assert tool.main([write(place, text.replace(", set: {fail: 1}", ""))]) == 0
    assert (place / "runs" / "from_bad" / "fold1-seed0" / "train" / "run.json").is_file()


CHANGES = {
    "command": ("runs/sft", lambda place: None, ["--", "--x", "1"]),
    "configs": ("runs/sft", lambda place: (place / "sft.yaml").write_text("name: other\n"), []),
    "sources": (
        "runs/binary-grpo",
        lambda place: (place / "runs/sft/seed0/train/run.json").write_text(
            json.dumps(record(place / "runs/sft/seed0/train") | {"date": "later"})
        ),
        [],
    ),
}


@pytest.mark.parametrize("key", CHANGES)
def test_a_finished_stage_that_was_something_else_is_refused(place, tool, capfd, key):
    path = write(place, SWEEP.replace("fold: [1, 2], seed: [0, 1]", "seed: [0]"))
    assert tool.main([path]) == 1  # {fold} is no axis here
    path = write(place, SWEEP.replace("fold: [1, 2], seed: [0, 1]", "seed: [0]").replace(
        'options: {data.fold: "{fold}"}', ""))  # fmt: skip
    assert tool.main([path]) == 0
    before = calls(place)
    folder, change, extra = CHANGES[key]
    change(place)
    capfd.readouterr()
    assert tool.main([path, *extra]) == 1
    out = capfd.readouterr().out
    assert f"not done  {folder}/seed0/train: it is finished, but its {key} was" in out
    assert f"Delete {folder}/seed0/train to run it anew" in out
    assert calls(place) == before


def test_a_comment_in_a_config_changes_nothing(place, tool):
    path = write(place, CONTINUED)
    assert tool.main([path]) == 0
    (place / "sft.yaml").write_text("# a word more\nname:   sft\n")
    assert tool.main([path]) == 0


def test_a_stopped_training_is_resumed_and_another_command_starts_anew(place, tool):
    text = "{root: runs, arms: {sft: {train: {fit: sft.yaml, set: {interrupt: 1}}}}}"
    path = write(place, text)
    assert tool.main([path]) == 1
    assert tool.main([path]) == 0
    first, second = calls(place)
    assert second == f"{first} --ckpt_path last"
    assert "--ckpt_path" not in record(place / "runs/sft/seed0/train")["command"]
    assert tool.main([path, "--root", "elsewhere"]) == 1
    (place / "elsewhere/sft/seed0/train/old.txt").touch()
    path = write(place, text.replace("interrupt: 1", "lr: 0.2"))
    assert tool.main([path, "--root", "elsewhere"]) == 0
    assert "--ckpt_path" not in calls(place)[-1]
    assert not (place / "elsewhere/sft/seed0/train/old.txt").exists()


def test_a_stage_that_another_sweep_is_running_is_waited_for(place, tool, capfd):
    path = write(place, "{root: runs, arms: {sft: {train: {fit: sft.yaml}}}}")
    folder = place / "runs/sft/seed0/train"
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        running = threading.Thread(target=tool.main, args=([path],))
        running.start()
        out = ""
        while not out:
            assert running.is_alive()
            time.sleep(0.1)
            out = capfd.readouterr().out
        assert out == "waiting   runs/sft/seed0/train: another sweep is running it\n"
        assert not calls(place)
        fcntl.flock(held, fcntl.LOCK_UN)
        running.join(timeout=20)
    assert len(calls(place)) == 1


def test_two_sweeps_at_once_run_every_stage_once(place):
    path = write(place, CONTINUED)
    command = [str(Path(sys.executable).with_name("emolit")), "sweep", path]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    sweeps = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [sweep.wait(timeout=120) for sweep in sweeps] == [0, 0]
    assert len(calls(place)) == len(set(calls(place))) == 6


def test_stages_that_do_not_build_on_each_other_run_at_once(place, tool):
    text = "{root: runs, options: {sleep: 3}, arms: {a: &same {t: {fit: sft.yaml}}, b: *same}}"
    path = write(place, text)
    assert tool.main([path, "--jobs", "2"]) == 0
    ends, starts = [], []
    for arm in "ab":
        found = record(place / "runs" / arm / "seed0" / "t")
        ends.append(datetime.fromisoformat(found["date"]).timestamp())
        starts.append(ends[-1] - found["seconds"])
    assert max(starts) < min(ends)


def test_no_jobs_at_all_are_refused(place, tool, capsys):
    """Snakemake would take 0 for as many as there are cores."""
    with pytest.raises(SystemExit):
        tool.main([write(place, SWEEP), "--jobs", "0"])
    assert "--jobs is 0, but at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("threads", [None, "3"])
def test_a_stage_has_the_threads_that_its_sweep_was_given(place, tool, monkeypatch, threads):
    """Snakemake says 1 to every library of linear algebra."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if threads:
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
    text = "{root: runs, options: {env: OMP_NUM_THREADS}, arms: {a: {t: {fit: sft.yaml}}}}"
    assert tool.main([write(place, text)]) == 0
    assert (place / "runs/a/seed0/t/output.txt").read_text() == f"hello from fit\n{threads}\n"


def test_a_stage_whose_job_is_killed_is_not_done(place, tool, capfd):
    path = write(place, "{root: runs, options: {kill: 1}, arms: {a: {t: {fit: sft.yaml}}}}")
    assert tool.main([path]) == 1
    assert "not done  runs/a/seed0/t: its job was ended" in capfd.readouterr().out


def test_without_snakemake_nothing_is_run_and_a_finished_sweep_is_fine(
    place, tool, monkeypatch, capsys
):
    path = write(place, "{root: runs, arms: {a: {t: {fit: sft.yaml}}}}")
    with monkeypatch.context() as patched:
        patched.setattr(importlib.util, "find_spec", lambda name: None)
        assert tool.main([path]) == 1
    assert "pip install 'emolit[sweep]'" in capsys.readouterr().err
    assert not calls(place)
    assert tool.main([path]) == 0
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert tool.main([path]) == 0


def test_an_executor_that_is_not_installed_is_named_with_its_package(place, tool, capsys):
    path = write(place, "{root: runs, arms: {a: {t: {fit: sft.yaml}}}}")
    assert tool.main([path, "--executor", "no-such"]) == 1
    assert "pip install snakemake-executor-plugin-no-such" in capsys.readouterr().err


def test_executor_and_profile_are_handed_to_snakemake(place):
    from emolit.commands.sweep.engine import Engine

    words = " ".join(Engine(4, "slurm", Path("cluster")).options(place))
    assert words.endswith(f"--executor slurm --profile {place / 'cluster'}")
    assert "--jobs 4" in words


def test_a_dry_run_does_without_snakemake(place):
    path = write(place, SWEEP)
    program = (
        "import sys; from emolit.commands.sweep import main; "
        f"main([{path!r}, '--dry-run']); assert 'snakemake' not in sys.modules"
    )
    subprocess.run([sys.executable, "-P", "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_a_stage_that_outlives_its_sweep_keeps_its_lock(place):
    path = write(place, "{root: runs, arms: {sft: {train: {fit: sft.yaml, set: {sleep: 1}}}}}")
    sweep = subprocess.Popen(
        [str(Path(sys.executable).with_name("emolit")), "sweep", path],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    while not calls(place):
        assert sweep.poll() is None
        time.sleep(0.05)
    sweep.kill()
    sweep.wait()
    with (place / "runs/sft/seed0/train/lock").open() as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(file, fcntl.LOCK_EX)  # until the stage ends by itself
    assert (place / "runs/sft/seed0/train/fit.json").is_file()


def test_where_less_is_better_the_least_is_the_best(place, tool):
    text = CONTINUED.replace('set: {lr: "{lr}"}', 'set: {lr: "{lr}", mode: min}')
    assert tool.main([write(place, text), "--only", "continued"]) == 0
    folder = place / "runs" / "continued" / "seed0"
    assert (folder / "train" / "best").resolve() == (folder / "train,lr=0.5" / "best").resolve()


def test_a_sweep_that_is_not_utf_8_is_told_by_its_byte(place, tool, capsys):
    (place / "sweep.yaml").write_bytes(b"root: \xe9")
    assert tool.main([str(place / "sweep.yaml")]) == 1
    assert "sweep.yaml is not UTF-8 at byte 6; save it as UTF-8." in capsys.readouterr().err


def test_a_folder_that_is_removed_while_its_sweep_runs_is_a_sentence(place, tool, capfd):
    path = write(place, "{root: runs, options: {remove: runs}, arms: {a: {t: {fit: sft.yaml}}}}")
    assert tool.main([path]) == 1
    told = capfd.readouterr()
    assert "error: runs was removed while the sweep ran; start the sweep anew." in told.err
    assert "not done  runs/a/seed0/t: " in told.out
    assert "Traceback" not in told.out + told.err
    write(place, "{root: runs, arms: {a: {t: {fit: sft.yaml}}}}")
    assert tool.main([path]) == 0


def test_a_search_without_a_validation_score_is_refused(place, tool, capfd):
    text = CONTINUED.replace('set: {lr: "{lr}"}', 'set: {lr: "{lr}", unvalidated: 1}')
    assert tool.main([write(place, text)]) == 1
    assert "has no validation score" in capfd.readouterr().out


WRONG = {
    "arms: {a: {t: {fit: sft.yaml}}}": "lacks the key 'root'",
    "{root: r, arms: {a: {t: {fit: none.yaml}}}}": "names the config 'none.yaml'",
    "{root: r, arms: {a: {t: {fit: sft.yaml, frm: b}}}}": "has the key 'frm'",
    "{root: r, seeds: [1], arms: {}}": "has the key 'seeds'",
    "{root: r, arms: {a: {t: {set: {}}}}}": "needs one of",
    "{root: r, arms: {a: {t: {fit: sft.yaml, test: test.yaml}}}}": "needs one of",
    "{root: r, arms: {a: {t: {fit: sft.yaml, from: b/t}}}}": "builds on r/b/seed0/t, which is no",
    "{root: r, arms: {a: {t: {fit: sft.yaml, from: t}}}}": "builds on itself",
    '{root: r, arms: {"a{x}": {t: {fit: sft.yaml}}}}': "no axis 'x'",
    '{root: r, axes: {x: [1]}, arms: {a: {t: {fit: sft.yaml, set: {y: "{x}"}}}}}': "speaks of",
    '{root: r, axes: {x: [a/b]}, arms: {"{x}": {t: {fit: sft.yaml}}}}': "'a/b' is to be a folder",
    "{root: r, arms: {a: {t: {fit: sft.yaml}}}, compare: [{arm: a, versus: b}]}": "names ['b']",
    "{root: r, arms: {a: {t: sft.yaml}}}": "must be keys and values",
    "{root: r, arms: {a: sft.yaml}}": "must be keys and values",
    "{root: r, arms: [a, b]}": "`arms` of the sweep",
    "{root: r, axes: 3, arms: {}}": "`axes` of the sweep",
    "root: r\narms: {a: [}\n": "sweep.yaml, line 2, column 12: this is no YAML: ",
    "root: r\n\troot: s\n": "sweep.yaml, line 2, column 1: this is no YAML: ",
    "root: !!python/object:os.system {}": "this is no YAML: could not determine a constructor",
    "[" * 50: "sweep.yaml, line 1, column 51: this is no YAML: ",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_sweep_is_refused_in_a_sentence_before_anything_runs(place, tool, capsys, text):
    assert tool.main([write(place, text)]) == 1
    assert WRONG[text] in capsys.readouterr().err
    assert not calls(place)
    with pytest.raises(ConfigError):
        tool.read(place / "sweep.yaml")


def test_an_unknown_arm_is_refused(place, tool, capsys):
    assert tool.main([write(place, CONTINUED), "--only", "ppo"]) == 1
    assert "There is no arm 'ppo'" in capsys.readouterr().err


def test_the_shipped_demo_has_the_arms_and_seeds_of_the_readme(tool, monkeypatch, capsys):
    """Its row there: warm start, GRPO, imitation for the same time; two seeds."""
    monkeypatch.chdir(ROOT)
    sweep = tool.read(ROOT / "configs" / "sweeps" / "demo.yaml")
    assert sweep.arms == ("sft", "grpo", "sft_continued")
    assert [cell["seed"] for cell in sweep.cells] == [0, 1]
    assert {pair["versus"] for pair in sweep.compare} == {"sft", "sft_continued"}
    assert tool.main(["configs/sweeps/demo.yaml", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("emolit")].count("test") == 6


def test_rejection_sampling_shares_the_starts_of_the_demo(tool):
    shipped = [tool.read(ROOT / "configs" / "sweeps" / f"demo{end}.yaml") for end in ("", "_rft")]
    same = shipped[0].stages.keys() & shipped[1].stages.keys()
    assert len(same) == 4
    assert all(shipped[0].stages[folder] == shipped[1].stages[folder] for folder in same)


def test_make_demo_with_its_control_is_a_sweep_that_the_table_reads(tool, monkeypatch, capsys):
    """The seed given to make is the only one, and goes to every stage."""
    monkeypatch.chdir(ROOT)
    make = ["make", "--no-print-directory", "--dry-run", "demo", "CONTROL=1", "SEED=2"]
    done = subprocess.run(make, capture_output=True, text=True, check=True)
    sweep, table = (line.split()[2:] for line in done.stdout.splitlines()[-2:])
    assert tool.main([*sweep, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert set(re.findall(r"--seed_everything (\S+)", printed)) == {"2"}
    runs = table[table.index("--runs") + 1 : table.index("--stage")]
    assert runs == ["sft", "grpo", "sft_continued"]
    for run in runs:
        assert f"--trainer.default_root_dir {table[0]}/{run}/{table[-1]} " in printed


def test_the_example_of_the_docs_says_what_is_written_beside_it(
    tmp_path, tool, monkeypatch, capsys
):
    """It has 4 arms in 4 cells; its commands parse, with the fold where it belongs."""
    text = (ROOT / "docs" / "experiments.md").read_text()
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    path = write(tmp_path, re.search(r"```yaml\n# sweep.yaml\n(.*?)```", text, re.DOTALL)[1])
    monkeypatch.chdir(tmp_path)
    sweep = tool.read(Path(path))
    assert sweep.arms == ("sft", "grpo-8", "grpo-16", "sft_continued")
    assert len(sweep.cells) == 4
    assert len(sweep.compare) == 4
    for arm, stage in (
        ("grpo-16", "train"),
        ("grpo-16", "test"),
        ("sft_continued", "train,lr=0.0003"),
    ):
        words = tool.command(
            sweep.stages[Path("runs/sweeps/example") / arm / "fold2-seed1" / stage]
        )
        words = ["00:01:00:00" if "<wall" in word else word for word in words]
        with pytest.raises(SystemExit):
            emolit(*words[1:], "--print_config")
        printed = yaml.safe_load(capsys.readouterr().out)
        data = printed["data"]["init_args"]
        data = data["corpora"][0]["init_args"] if "corpora" in data else data
        assert (data["fold"], printed["seed_everything"]) == (2, 1)


TONES = """
trainer:
  accelerator: cpu
  max_steps: 4
  val_check_interval: 2
  num_sanity_val_steps: 0
  enable_progress_bar: false
  enable_model_summary: false
  callbacks:
    - {class_path: AdapterCheckpoint, init_args: {filename: best, monitor: val/tones/UA}}
    - {class_path: FitReport}
    - {class_path: PredictionWriter}
    - {class_path: Report}
prompt: Direct
data: {class_path: Manifest, init_args: {path: tones.csv, root: data, loading: {batch_size: 8}}}
model:
  class_path: SupervisedFinetuning
  init_args:
    policy: {class_path: Nano, init_args: {checkpoint: NANO}}
    evaluator: {class_path: Categorical}
    sampling: {max_tokens: 6}
    optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 1.0e-3}}
"""


@pytest.mark.slow
def test_a_real_sweep_runs_from_start_to_table(tmp_path, tool, nano_folder, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    write_tones(tmp_path / "data")
    for name in ("sft", "grpo", "test"):
        (tmp_path / f"{name}.yaml").write_text(TONES.replace("NANO", str(nano_folder)))
    sweep = yaml.safe_load(CONTINUED)
    train = sweep["arms"]["continued"]["train"]
    train |= {"best_of": {"lr": [0.003, 1e-12]}}
    train["set"] = {"model.init_args.optimizer.init_args.lr": "{lr}"}
    sweep["arms"]["sft"]["test"] = {"test": "test.yaml"}
    sweep["compare"] = [{"arm": "continued", "versus": "sft"}]
    path = write(tmp_path, yaml.safe_dump(sweep, sort_keys=False))
    assert tool.main([path]) == 0, capsys.readouterr().out
    results = [sys.executable, "-m", "emolit", "results", "tones", path, "--docs", "docs"]
    subprocess.run(results, check=True)
    rows = json.loads((tmp_path / "docs/results/tones.json").read_text())
    assert [(row["arm"], row.get("versus")) for row in rows] == [
        ("continued", None), ("sft", None), ("continued", "sft"),
    ]  # fmt: skip
    assert rows[2]["difference"] == rows[0]["UA"] - rows[1]["UA"]
    assert "**continued** against **sft**" in (tmp_path / "docs/results.md").read_text()
