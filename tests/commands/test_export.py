"""A checkpoint for others: the script in its card answers as emolit does, where emolit is not."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch
import yaml
from huggingface_hub import HfApi, ModelCard
from safetensors.torch import load_file
from torch.distributed import checkpoint

from emolit.audio.decoding import decode
from emolit.commands.export import files, main
from emolit.engine.weights.adapters import Lora
from emolit.policies.nano import Nano, NanoSize, write_nano
from emolit.prompts.direct import Direct
from emolit.types import Batch, Clip, Sampling
from tests.fakes.checkpoint import write_record

LABELS = ("angry", "happy", "neutral", "sad")
PROMPT = Direct("Which emotion? {options}", "")
SAMPLING = Sampling(max_tokens=6)
SELECTION = {"monitor": "val/synthetic/UA", "mode": "max", "score": 0.5, "step": 80}
EVIL = "<script>alert(1)</script>"
KINDS = ("full", "adapter", "merged")
ALONE = """
import sys


class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "emolit":
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Blocked())
import contextlib, io, json, os, re

for folder in sys.argv[2:]:
    os.chdir(folder)
    script = re.search(r"```python\\n(.*?)```", open("README.md").read(), re.DOTALL)[1]
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(script, names)
    print(json.dumps([names["answer"](f"{sys.argv[1]}/{i}.wav") for i in range(4)]))
assert "emolit" not in sys.modules
"""


def write_sounds(folder: Path) -> list[Path]:
    """Write four tones; one is in stereo and at another rate."""
    for index in range(4):
        rate = 22_050 if index == 2 else 16_000
        wave = 0.3 * torch.sin(torch.arange(rate) * 0.04 * (index + 1) ** 2)
        sides = torch.stack([wave, wave / 2], 1) if index == 2 else wave
        soundfile.write(folder / f"{index}.wav", sides.numpy(), rate)
    return [folder / f"{index}.wav" for index in range(4)]


def batch_of(sounds: list[Path], turn: int) -> Batch:
    """Ask about the sounds; which label is right depends on the turn."""
    clips = [
        Clip(f"{i}", "synthetic", path.name, LABELS[(i + turn) % 4])
        for i, path in enumerate(sounds)
    ]
    return Batch(
        clips=tuple(clips),
        questions=tuple(PROMPT.render(clip, LABELS) for clip in clips),
        targets=tuple(PROMPT.target(clip) for clip in clips),
        options=LABELS,
        waveforms=tuple(decode(path, 16_000, 30.0) for path in sounds),
        sampling_rate=16_000,
    )


def train(policy: Nano, batch: Batch) -> list[str | None]:
    """Let a policy learn the replies by heart, and return what it then answers."""
    policy.build(reference=False, seed=0)
    weights = [weight for weight in policy.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=3e-3, weight_decay=0.0)
    rollout = policy.encode_targets(batch)
    for _ in range(500):
        optimizer.zero_grad()
        loss = -policy.logprobs(rollout)[rollout.mask].mean()
        loss.backward()
        optimizer.step()
        if loss < 0.05:
            break
    return answers(policy, batch)


def answers(policy: Nano, batch: Batch) -> list[str | None]:
    """Return what emolit hears."""
    drawn = policy.sample(replace(batch), 1, SAMPLING.greedy(), 0, 0)
    return [PROMPT.parse(group[0], LABELS) for group in drawn.responses]


def leave_run(folder: Path, policy: Nano, start: Path | None, task: str) -> Path:
    """Write what a ``fit`` leaves: weights with their question, and its config."""
    best = folder / "best"
    policy.save(best)
    licenses = {"synthetic": {"license": "Apache-2.0", "homepage": ""}}
    write_record(best, policy, PROMPT, LABELS, licenses, SAMPLING)
    (best / "selection.json").write_text(json.dumps(SELECTION))
    node = {"checkpoint": start and str(start), "lora": None, "dtype": "float32"}
    config = {
        "seed_everything": 7,
        "trainer": {"precision": None, "gradient_clip_val": 1.0},
        "model": {
            "class_path": f"emolit.tasks.{task}",
            "init_args": {
                "policy": {"class_path": "emolit.policies.nano.Nano", "init_args": node},
                "sampling": {"max_tokens": 6, "stop": ["</answer>"]},
                "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.0123}},
            },
        },
        "data": {"class_path": "emolit.corpora.synthetic.Synthetic", "init_args": {"root": "data"}},
        "prompt": {"class_path": "emolit.prompts.direct.Direct", "init_args": {}},
    }
    place = folder / "fit"
    place.mkdir(parents=True)
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "fit.json").write_text(json.dumps({"seconds": 5.0, "steps": 160}))
    return best


def leave_scores(run: Path, selection: object = SELECTION) -> None:
    """Write what a test of the run's best weights leaves."""
    interval = {"low": 0.61, "high": 0.83, "clusters": 14, "unit": "speakers", "remark": None}
    entry = {"n": 392, "UA": 0.7194, "parse_rate": 0.98765, "UA_interval": interval, "cropped": 0}
    scores = {
        "seed": 7,
        "split": "test",
        "labels": [*LABELS],
        "checkpoint": {"path": "somewhere/best", "selection": selection},
        "corpora": {"synthetic": entry},
    }
    (run / "test").mkdir()
    (run / "test" / "scores.json").write_text(json.dumps(scores))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Two runs, the second an adapter that answers otherwise, and what emolit hears of both."""
    folder = tmp_path_factory.mktemp("export")
    sounds = write_sounds(folder)
    size = NanoSize(seconds=1, mels=40, tower_layers=1)
    nano = write_nano(folder / "nano", size, seed=0)
    full = Nano(str(nano))
    heard = {"full": train(full, batch_of(sounds, 0))}
    best = leave_run(folder / "sft", full, None, "sft.SupervisedFinetuning")
    lora = Lora(rank=8, alpha=32, targets=["q_proj", "v_proj", "down_proj"], train=["lm_head"])
    adapter = Nano(str(best), lora=lora)
    heard["adapter"] = heard["merged"] = train(adapter, batch_of(sounds, 1))
    leave_run(folder / "grpo", adapter, best, "rl.ReinforcementFinetuning")
    leave_scores(folder / "grpo")
    (folder / "heard.json").write_text(json.dumps(heard))
    return folder


@pytest.fixture(scope="module")
def shared(place) -> Path:
    """The three folders that are handed on."""
    runs = {"full": "sft", "adapter": "grpo", "merged": "grpo"}
    for kind, run in runs.items():
        options = ["--merge"] if kind == "merged" else []
        words = [place / run / "best", "--out", place / "shared" / kind, *options]
        assert main([*map(str, words)]) == 0
    return place / "shared"


@pytest.mark.parametrize("run", ["sft", "grpo"])
def test_a_model_or_an_adapter_without_weights_is_not_handed_on(place, tmp_path, capsys, run):
    last = tmp_path / "run" / "last"
    shutil.copytree(place / run / "best", last, ignore=shutil.ignore_patterns("*.safetensors"))
    assert main([str(last), "--out", str(tmp_path / "out")]) == 1
    assert "last' holds no weights (*.safetensors)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_weights_in_parts_are_put_together(place, shared, tmp_path):
    """As a run leaves them under `save_distributed_checkpoint`."""
    whole, last = place / "sft" / "best", tmp_path / "run" / "last"
    shutil.copytree(whole, last, ignore=shutil.ignore_patterns("*.safetensors"))
    policy = Nano(str(whole))
    policy.build(reference=False, seed=0)
    written = {"state_dict": {"policy": {"model": policy.base.state_dict()}}}
    checkpoint.save(written, checkpoint_id=last.with_suffix(".ckpt"), no_dist=True)
    assert main([str(last), "--out", str(tmp_path / "out")]) == 0
    found, expected = (
        load_file(folder / "model.safetensors") for folder in (tmp_path / "out", shared / "full")
    )
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert {each.name for each in (tmp_path / "out").iterdir()} == {
        each.name for each in (shared / "full").iterdir() if each.suffix != ".wav"
    }


def card_of(folder: Path) -> ModelCard:
    return ModelCard.load(folder / "README.md")


def test_the_script_of_the_card_answers_as_emolit_does_where_emolit_is_not(place, shared):
    heard = json.loads((place / "heard.json").read_text())
    assert heard["full"] != heard["adapter"] and None not in heard["full"] + heard["adapter"]
    assert len(set(heard["full"])) > 1 and len(set(heard["adapter"])) > 1
    for kind in KINDS:  # the script ends with a clip that the reader has
        shutil.copy(place / "0.wav", shared / kind / "clip.wav")
    shutil.move(place / "sft", place / "sft-away")  # nothing may rest on where the base was
    try:
        words = [sys.executable, "-W", "ignore", "-c", ALONE, place, *(shared / k for k in KINDS)]
        done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    finally:
        shutil.move(place / "sft-away", place / "sft")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert dict(zip(KINDS, found, strict=True)) == heard


@pytest.mark.parametrize("kind", KINDS)
def test_no_folder_of_this_machine_is_handed_on(place, shared, kind):
    texts = [p for p in (shared / kind).rglob("*") if p.suffix in (".json", ".md", ".jinja")]
    assert len(texts) > 5
    for path in texts:
        assert str(place) not in path.read_text(), path


def test_an_adapter_brings_its_base_and_a_merged_model_needs_none(shared):
    settings = json.loads((shared / "adapter" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "base"
    assert (shared / "adapter" / "base" / "model.safetensors").is_file()
    assert not (shared / "adapter" / "base" / "emolit.json").exists()
    assert not list((shared / "merged").glob("adapter*"))
    assert (shared / "merged" / "model.safetensors").is_file()


def test_emolit_opens_what_was_merged_and_hears_the_same(place, shared):
    policy = Nano(str(shared / "merged"))
    policy.build(reference=False, seed=0)
    heard = json.loads((place / "heard.json").read_text())
    assert answers(policy, batch_of([place / f"{i}.wav" for i in range(4)], 0)) == heard["merged"]
    kept = {path.name for path in (shared / "merged").iterdir()}
    assert {"emolit.json", "selection.json", "tokenizer.json"} <= kept


def test_the_card_tells_training_data_and_scores(shared):
    card = card_of(shared / "adapter")
    text = " ".join(card.text.split())
    assert "| learning" not in text and "AdamW (lr 0.0123)" in text
    assert "| seed | 7 |" in text and "| optimizer steps | 160 |" in text
    assert text.index("SupervisedFinetuning") < text.index("ReinforcementFinetuning")
    assert "val/synthetic/UA 0.500 at step 80" in text
    assert "| synthetic | Apache-2.0 | - |" in text
    assert "Which emotion? angry, happy, neutral, sad" in text
    assert "| UA | 0.719 | 0.610-0.830 |" in text and "392 clips" in text
    assert "| cropped" not in text
    assert "it hears the first 1 seconds" in text  # as Nano's feature extractor was made
    assert "Article 5" in text


def test_the_hub_understands_the_head_of_the_card(shared):
    data = card_of(shared / "adapter").data
    assert (data.library_name, data.license, data.base_model) == ("peft", "other", None)
    assert data.pipeline_tag == "audio-text-to-text"
    assert data.datasets is None  # it takes ids of the Hub, and a corpus of emolit has none
    found = {each.metric_name: each.metric_value for each in data.eval_results}
    assert found == {"UA": 0.7194, "parse rate": 0.9877}  # numbers of clips are no scores
    assert data.eval_results[0].dataset_split == "test"
    assert card_of(shared / "full").data.library_name == "transformers"


def test_a_checkpoint_without_a_test_says_so(shared):
    card = card_of(shared / "full")
    assert "No test of these weights was run." in card.text
    assert card.data.eval_results is None


def test_the_test_of_other_weights_is_not_told_as_theirs(place, tmp_path):
    shutil.copytree(place / "grpo", tmp_path / "grpo")
    shutil.rmtree(tmp_path / "grpo" / "test")
    leave_scores(tmp_path / "grpo", {**SELECTION, "step": 160})
    words = [tmp_path / "grpo" / "best", "--out", tmp_path / "out", "--license", "apache-2.0"]
    assert main([*map(str, words)]) == 0
    card = card_of(tmp_path / "out")
    assert "No test of these weights was run." in card.text
    assert card.data.license == "apache-2.0"


def test_no_more_is_handed_on_than_weights_and_settings(place, tmp_path, capsys):
    best = tmp_path / "best"
    shutil.copytree(place / "sft" / "best", best)
    for name in ("evil.py", "pytorch_model.bin", "deep/notes.pkl"):
        (best / name).parent.mkdir(exist_ok=True)
        (best / name).write_text("print('hello')")
    os.mkfifo(best / "pipe.json")
    assert main([str(best), "--out", str(tmp_path / "out")]) == 0
    left = "deep/notes.pkl, evil.py, pipe.json, pytorch_model.bin"
    assert f"Not handed on, as neither weights nor settings: {left}" in capsys.readouterr().out
    assert {path.suffix for path in (tmp_path / "out").rglob("*.*")} <= {*files.KINDS, ".md"}


def test_a_link_out_of_the_checkpoint_is_refused(place, tmp_path, capsys):
    best = tmp_path / "best"
    shutil.copytree(place / "sft" / "best", best)
    (tmp_path / "secret.txt").write_text("mine")
    (best / "notes.txt").symlink_to(tmp_path / "secret.txt")
    assert main([str(best), "--out", str(tmp_path / "out")]) == 1
    assert "notes.txt is a link out of the checkpoint" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "secret.txt"]


def test_what_the_record_says_goes_before_the_config_and_loses_its_folders(place, tmp_path):
    shutil.copytree(place / "sft", tmp_path / "sft")
    path = tmp_path / "sft" / "best" / "emolit.json"
    record = json.loads(path.read_text())
    record["labels"] = ["angry", EVIL]
    record |= {
        "policy": {
            "class_path": "emolit.policies.qwen2_audio.Qwen2Audio",
            "init_args": {"dtype": "bfloat16"},
        },
        "sampling": {"temperature": 0.0, "max_tokens": 9, "stop": []},
        "window": 2.5,
        "versions": {"torch": "9.9"},
        "licenses": {"synthetic": {"license": "CC0|1", "homepage": "https://a.example"}},
        "base": str(place / "nano"),
    }
    path.write_text(json.dumps(record))
    assert main([str(tmp_path / "sft" / "best"), "--out", str(tmp_path / "out")]) == 0
    text = card_of(tmp_path / "out").text
    assert "max_new_tokens=9," in text and "stop_strings" not in text
    assert "dtype=torch.bfloat16" in text and "the first 2.5 seconds" in text
    assert "| synthetic | CC0&#124;1 | https://a.example |" in text
    assert "| versions | torch 9.9 |" in text
    assert "<script>" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    told = (tmp_path / "out" / "emolit.json").read_text()
    assert json.loads(told)["base"] is None and str(place) not in told


def test_a_base_that_the_hub_has_is_named_and_not_copied(place, tmp_path):
    words = [place / "grpo" / "best", "--out", tmp_path / "out", "--base", "me/base"]
    assert main([*map(str, words)]) == 0
    settings = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "me/base"
    assert not (tmp_path / "out" / "base").exists()
    card = card_of(tmp_path / "out")
    assert card.data.base_model == "me/base"
    assert re.search(r"from_pretrained\('me/base', dtype=torch.float32\)", card.text)


@pytest.mark.parametrize(
    ("run", "options", "said"),
    [
        ("sft/best", ["--merge"], "holds no adapter but a whole model"),
        ("sft", [], "is the folder of a run; the weights lie inside"),
        ("nano", [], "has no emolit.json"),
        ("away", [], "away' is not there"),
        ("grpo/best", ["--base", "PLACE/nano"], "give what it is called on the Hub"),
        ("sft/best", ["--out", "PLACE/sft"], "sft is there already"),
        ("sft/best", ["--out", "PLACE/sft/best/out"], "lies inside the checkpoint"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_nothing_is_written(
    place, tmp_path, capsys, run, options, said
):
    out = ["--out", str(tmp_path / "out")]
    given = [word.replace("PLACE", str(place)) for word in options]
    assert main([str(place / run), *out, *given]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error
    assert not list(tmp_path.iterdir())


class Hub:
    """Stands in for the Hub."""

    def __init__(self, private=True, refusal=None):
        self.private, self.refusal, self.calls = private, refusal, []

    def install(self, monkeypatch):
        monkeypatch.setattr(HfApi, "create_repo", self.create)
        monkeypatch.setattr(HfApi, "repo_info", lambda api, repository: self)
        monkeypatch.setattr(HfApi, "upload_folder", self.upload)
        return self

    def create(self, repository, *, private, exist_ok):
        self.calls.append((repository, private))
        return f"https://hub.example/{repository}"

    def upload(self, *, repo_id, folder_path, commit_message):
        if self.refusal is not None:
            raise self.refusal
        self.calls.append((repo_id, sorted(path.name for path in folder_path.iterdir())))


@pytest.mark.parametrize("public", [False, True])
def test_an_upload_is_private_unless_told_otherwise(place, tmp_path, monkeypatch, capsys, public):
    api = Hub().install(monkeypatch)
    api_calls = api.calls
    monkeypatch.setattr(HfApi, "create_repo", lambda _, *a, **k: api.create(*a, **k))
    monkeypatch.setattr(HfApi, "upload_folder", lambda _, **k: api.upload(**k))
    words = [place / "sft" / "best", "--out", tmp_path / "out", "--push", "me/hears"]
    assert main([*map(str, words), *["--public"] * public]) == 0
    assert api_calls[0] == ("me/hears", not public)
    assert {"README.md", "model.safetensors", "emolit.json"} <= {*api_calls[1][1]}
    assert "https://hub.example/me/hears" in capsys.readouterr().out
    assert "FOLDER = 'me/hears'" in (tmp_path / "out" / "README.md").read_text()


def test_a_hub_that_is_not_reached_is_a_sentence(place, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    words = [place / "sft" / "best", "--out", tmp_path / "out", "--push", "me/hears"]
    assert main([*map(str, words)]) == 1
    error = capsys.readouterr().err
    assert "is not uploaded to me/hears" in error and "hf auth login" in error
    assert (tmp_path / "out" / "README.md").is_file()
