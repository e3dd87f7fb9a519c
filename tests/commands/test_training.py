"""The command: late imports, shelves by short name, links."""

import json
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import yaml

from emolit.errors import ConfigError, CorpusError, PolicyError
from tests.command import emolit
from tests.fakes.tones import write_tones

ROOT = Path(__file__).parents[2]


def test_emolit_itself_imports_neither_transformers_nor_peft_early():
    code = (
        "import sys, torchmetrics; before = set(sys.modules); import emolit.commands.training; "
        "emolit.commands.training.discover(); new = set(sys.modules) - before; "
        "print(sorted(name for name in new if name.split('.')[0] in {'transformers', 'peft'}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_prompt_is_linked_to_both_sides_and_written_once(capsys):
    with pytest.raises(SystemExit):
        emolit("fit", "--config", "configs/experiments/demo/grpo.yaml", "--print_config")
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["prompt"]["class_path"] == "emolit.prompts.direct.Direct"
    assert "prompt" not in printed["model"]["init_args"]
    assert "prompt" not in printed["data"]["init_args"]


def test_an_abstract_task_is_refused(capsys):
    with pytest.raises(SystemExit):
        emolit("fit", "--config", "configs/experiments/demo/grpo.yaml", "--model", "Task")
    assert "abstract" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", [False, True])
def test_an_error_of_emolits_own_is_one_sentence_unless_a_traceback_is_asked_for(
    tmp_path, monkeypatch, nano_folder, wanted
):
    monkeypatch.setenv("EMOLIT_TRACEBACK", "1" if wanted else "")
    with pytest.raises(CorpusError if wanted else SystemExit, match="folder of the corpus 'urdu'"):
        emolit(
            *["validate", "--config", "configs/experiments/demo/test.yaml"],
            *["--data", "Urdu", "--data.root", tmp_path],
            *["--trainer.default_root_dir", tmp_path, "--model.policy.checkpoint", nano_folder],
        )


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--trainer.max_steps", -5, "max_steps"),
        ("--trainer.limit_val_batches", -1, "limit_val_batches"),
        ("--seed_everything", -1, "`seed_everything` is -1; choose a whole number from 0"),
        ("--trainer.val_check_interval", 0, "`trainer.val_check_interval` is 0; choose 1"),
        ("--trainer.gradient_clip_val", ".nan", "`trainer.gradient_clip_val` is nan"),
        ("--trainer.strategy", "fsdp", "Lightning cannot make this trainer: .*requires a GPU"),
        ("--trainer.accelerator", "abacus", "Lightning cannot make this trainer: .*abacus"),
    ],
)
def test_a_setting_that_lightning_cannot_work_with_is_a_sentence(
    tmp_path, monkeypatch, option, value, said
):
    monkeypatch.delenv("EMOLIT_TRACEBACK")
    with pytest.raises(SystemExit, match=f"error: .*{said}"):
        emolit(
            *["fit", "--config", "configs/experiments/demo/sft.yaml", option, value],
            *["--trainer.default_root_dir", tmp_path],
        )


def test_a_class_in_the_current_folder_is_found(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine_here.py").write_text(
        "from emolit.rewards.correct import Correct\n\n\nclass Brevity(Correct): ...\n"
    )
    config = ROOT / "configs/experiments/demo/grpo.yaml"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    with pytest.raises(SystemExit) as stopped:
        emolit("fit", "--config", config, "--model.rewards+", "mine_here.Brevity", "--print_config")
    assert stopped.value.code == 0
    assert "mine_here.Brevity" in capsys.readouterr().out


def own_data(root):
    write_tones(root)
    return [
        *["--data", ROOT / "configs/corpora/manifest.yaml"],
        *["--data.root", root, "--data.path", "tones.csv"],
    ]


def test_the_documented_command_trains_on_ones_own_clips_and_keeps_the_best(
    tmp_path, nano_folder, capsys
):
    data = own_data(tmp_path / "data")
    start = ["--model.policy.checkpoint", nano_folder, "--trainer.enable_progress_bar", "false"]
    folder = ["--trainer.default_root_dir", tmp_path / "run"]
    short = ["--trainer.max_steps", 2, "--trainer.val_check_interval", 1]
    short += ["--data.loading.batch_size", 8, "--trainer.log_every_n_steps", 1]
    config = ROOT / "configs/experiments/demo/sft.yaml"
    emolit("fit", "--config", config, *data, *start, *folder, *short)
    chosen = json.loads((tmp_path / "run" / "best" / "selection.json").read_text())
    assert chosen["monitor"] == "val/tones/UA"
    capsys.readouterr()
    test = ["test", "--config", ROOT / "configs/experiments/demo/test.yaml", *data]
    emolit(*test, "--model.policy.checkpoint", tmp_path / "run" / "best", *folder)
    told = capsys.readouterr().out
    assert "Scores on test" in told
    assert "Test metric" not in told and "DataLoader 0" not in told
    for wrong, words in {
        tmp_path / "run": "is the folder of a run; .*best' or .*last'",
        tmp_path / "run" / "best.ckpt": "is a file and a folder is needed; take '.*best'",
    }.items():
        with pytest.raises(PolicyError, match=words):
            emolit(*test, "--model.policy.checkpoint", wrong, *folder)


def test_a_monitor_that_nothing_logs_is_refused_before_weights_are_loaded(tmp_path, nano_folder):
    data = own_data(tmp_path / "data")
    config = ["--config", ROOT / "configs/experiments/demo/sft.yaml"]
    monitor = "[{class_path: EarlyStopping, init_args: {monitor: val/synthetic/UA}}]"
    unread = ["--model.policy.checkpoint", nano_folder, "--model.policy.dtype", "bfloat16"]
    with pytest.raises(ConfigError, match=r"EarlyStopping is 'val/synthetic/UA'.*val/tones/UA"):
        emolit("fit", *config, *data, *unread, "--trainer.callbacks", monitor)


@pytest.mark.parametrize("prompt", ["Caption", "OpenVocabulary"])
def test_a_prompt_that_the_evaluator_cannot_count_is_refused_before_data_are_read(tmp_path, prompt):
    with pytest.raises(ConfigError, match=f"The prompt {prompt} reads answers such as"):
        emolit(
            *["fit", "--config", ROOT / "configs/experiments/demo/sft.yaml"],
            *["--prompt", prompt, "--data.root", tmp_path / "nowhere"],
        )


def test_stopping_by_hand_says_how_to_go_on(tmp_path, nano_folder, monkeypatch, capsys, caplog):
    data = own_data(tmp_path / "data")
    (tmp_path / "stopping.py").write_text(
        "from lightning.pytorch import Callback\n\n\n"
        "class Stop(Callback):\n"
        "    def on_train_batch_end(self, trainer, *rest):\n"
        "        if trainer.global_step == 2:\n"
        "            raise KeyboardInterrupt\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    last = "{class_path: AdapterCheckpoint, init_args: {every_n_train_steps: 1}}"
    with pytest.raises((SystemExit, KeyboardInterrupt)), caplog.at_level("INFO"):
        emolit(
            *["fit", "--config", ROOT / "configs/experiments/demo/sft.yaml", *data],
            *["--model.policy.checkpoint", nano_folder, "--data.loading.batch_size", 8],
            *["--trainer.callbacks", f"[{last}, stopping.Stop]"],
            *["--trainer.default_root_dir", tmp_path / "run", "--trainer.limit_val_batches", 0],
        )
    told = caplog.text + capsys.readouterr().err
    assert "Stopped in step 2." in told
    assert "--ckpt_path last" in told


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 1), (signal.SIGTERM, 143)])
def test_a_real_interrupt_says_how_to_go_on_and_nobody_elses_tips_are_told(
    tmp_path, nano_folder, number, status
):
    last = "{class_path: AdapterCheckpoint, init_args: {every_n_train_steps: 1}}"
    words = [
        *[sys.executable, "-m", "emolit", "fit", *own_data(tmp_path / "data")],
        *["--config", ROOT / "configs/experiments/demo/sft.yaml", "--data.loading.batch_size", 8],
        *["--model.policy.checkpoint", nano_folder, "--trainer.callbacks", f"[{last}]"],
        *["--trainer.default_root_dir", tmp_path / "run", "--trainer.limit_val_batches", 0],
        *["--trainer.max_steps", 100_000],
    ]
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    # A job that a shell has put in the background ignores the signal, and so would its children.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen([str(word) for word in words], preexec_fn=heed, **told) as run:
        until = time.monotonic() + 240
        while not (tmp_path / "run" / "last.ckpt").exists() and time.monotonic() < until:
            time.sleep(0.1)
        run.send_signal(number)
        try:
            said, _ = run.communicate(timeout=120)
        finally:
            run.kill()
    assert run.returncode == status
    assert re.search(r"Stopped in step \d+\. To go on from .*last\.ckpt", said), said
    assert "--ckpt_path last" in said
    for noise in ("Tip", "TPU available", "Loading weights", "Writing model", "logging interval"):
        assert noise not in said
