"""The recipe of a run, from a config as Lightning saves it."""

import json
from pathlib import Path

import yaml

from emolit.reporting.recipe import recipe
from emolit.reporting.run import Run

CONFIG = """
seed_everything: 3
trainer: {precision: bf16-mixed, accumulate_grad_batches: 4, gradient_clip_val: null}
model:
  class_path: emolit.tasks.rl.ReinforcementFinetuning
  init_args:
    policy:
      class_path: emolit.policies.qwen2_audio.Qwen2Audio
      init_args: {checkpoint: /home/me/sft/best, dtype: bfloat16, freeze: [audio_tower],
                  lora: {rank: 8, alpha: 16, quantize: nf4}}
    objective: {class_path: emolit.objectives.grpo.GRPO, init_args: {clip: 0.2, kl: 0.01}}
    advantage: emolit.advantages.standardized
    rewards:
    - {class_path: emolit.rewards.correct.Correct, init_args: {weight: 1.0}}
    - {class_path: emolit.rewards.well_formed.WellFormed, init_args: {weight: 0.5}}
    group_size: 8
    sampling: {max_tokens: 32, temperature: 1.2, stop: [x]}
    optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 2.0e-05, weight_decay: 0.0, eps: 1}}
data:
  class_path: emolit.corpora.mixture.Mixture
  init_args:
    corpora: [{class_path: emolit.corpora.ravdess.Ravdess}, {class_path: emolit.corpora.urdu.Urdu}]
    loading: {batch_size: 4}
prompt: {class_path: emolit.prompts.direct.Direct, init_args: {question: "Well?", instruction: ''}}
"""


def leave(folder: Path) -> Run:
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "fit.json").write_text(json.dumps({"seconds": 61.4, "steps": 500}))
    (folder / "best").mkdir()
    selection = {"monitor": "val/a/UA", "mode": "max", "score": 0.25, "step": 400}
    (folder / "best" / "selection.json").write_text(json.dumps(selection))
    record = {"labels": ["sad", "happy"], "versions": {"torch": "2.14"}}
    (folder / "best" / "emolit.json").write_text(json.dumps(record))
    return Run(folder)


def test_every_setting_stands_in_the_recipe(tmp_path):
    assert yaml.safe_load(CONFIG)["seed_everything"] == 3
    assert recipe(leave(tmp_path)) == [
        ("task", "ReinforcementFinetuning"),
        ("training corpora", "Ravdess, Urdu"),
        ("start", "/home/me/sft/best"),
        ("policy", "Qwen2Audio"),
        ("weights", "bfloat16, a LoRA adapter of rank 8 and alpha 16 over nf4 weights"),
        ("frozen", "audio_tower"),
        ("prompt", "Direct"),
        ("question", "Well?"),
        ("labels", "sad, happy"),
        ("objective", "GRPO (clip 0.2, kl 0.01)"),
        ("advantage", "standardized"),
        ("rewards", "Correct (weight 1), WellFormed (weight 0.5)"),
        ("optimizer", "AdamW (lr 2e-05, weight_decay 0.0)"),
        ("responses a prompt", "8"),
        ("sampling", "temperature 1.2, max_tokens 32"),
        ("batch size", "4 a process"),
        ("accumulated batches", "4"),
        ("precision", "bf16-mixed"),
        ("seed", "3"),
        ("optimizer steps", "500"),
        ("seconds of training and validation", "61"),
        ("weights in best/", "val/a/UA 0.250 at step 400"),
        ("versions", "torch 2.14"),
    ]


def test_folders_of_this_machine_can_be_left_out(tmp_path):
    assert ("start", "the weights of the stage before") in recipe(leave(tmp_path), local=False)


def test_of_a_folder_that_was_not_trained_nothing_is_told(tmp_path):
    assert recipe(Run(tmp_path)) == []
