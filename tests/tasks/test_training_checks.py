"""Weights that round steps away are refused; adapters that hardly move are warned about."""

import warnings
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.plugins.precision import DeepSpeedPrecision, HalfPrecision, MixedPrecision

from emolit.advantages import Focal, PassAtK, standardized
from emolit.affect.taxonomy import Taxonomy
from emolit.data.dataset import LoaderSettings
from emolit.demonstrations.hpt import HPT
from emolit.demonstrations.luffy import LUFFY
from emolit.engine.weights.adapters import Lora
from emolit.errors import ConfigError
from emolit.evaluators.categorical import Categorical
from emolit.objectives.real import REAL
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.rewards.correct import Correct
from emolit.rewards.diversity import Diversity
from emolit.tasks.sft import SupervisedFinetuning
from emolit.types import Clip
from tests.tasks import test_rl
from tests.tasks.toy import WORDS, Table


def task(policy, plugin=None, lr=1e-4):
    made = SupervisedFinetuning(
        policy=policy,
        optimizer=partial(torch.optim.AdamW, lr=lr),
        evaluator=Categorical(Taxonomy(WORDS)),
        prompt=Direct(),
    )
    made._trainer = None if plugin is None else SimpleNamespace(precision_plugin=plugin)
    return made


def built(folder, **settings):
    policy = Nano(str(folder), **settings)
    policy.build(reference=False, seed=0)
    return policy


MIXED = MixedPrecision("bf16-mixed", "cpu")


@pytest.mark.parametrize("plugin", [None, MIXED], ids=["alone", "mixed"])
def test_weights_in_bfloat16_are_refused_by_name_and_share(nano_folder, plugin):
    """A step of 2e-6 is lost in any bfloat16 weight above 1e-3: the refusal is for a reason."""
    weight = torch.tensor(0.01, dtype=torch.bfloat16)
    assert weight - 2e-6 == weight
    made = task(built(nano_folder, dtype="bfloat16"), plugin)
    with pytest.raises(ConfigError, match=r"100% of what trains, such as 'model\..*dtype: float32"):
        made.configure_optimizers()


def test_the_share_is_that_of_what_trains(nano_folder):
    policy = built(nano_folder, freeze=["audio_tower", "language_model"])
    trained = [w for w in policy.parameters() if w.requires_grad]
    trained[0].data = trained[0].data.bfloat16()
    share = trained[0].numel() / sum(w.numel() for w in trained)
    with pytest.raises(ConfigError, match=f"^{share:.0%} of what trains"):
        task(policy).configure_optimizers()


@pytest.mark.parametrize("train", [[], ["multi_modal_projector"]])
def test_adapters_and_what_trains_beside_them_are_in_float32_over_bfloat16(nano_folder, train):
    policy = built(nano_folder, dtype="bfloat16", lora=Lora(rank=2, train=train))
    task(policy, MIXED).configure_optimizers()


def test_bfloat16_that_was_asked_for_by_the_trainer_is_warned_about(nano_folder):
    made = task(built(nano_folder, dtype="bfloat16"), HalfPrecision("bf16-true"))
    with pytest.warns(UserWarning, match=r"under `trainer\.precision: bf16-true`"):
        made.configure_optimizers()


def test_deepspeed_has_weights_of_its_own_in_float32(nano_folder):
    plugin = DeepSpeedPrecision.__new__(DeepSpeedPrecision)  # its own init needs deepspeed
    task(built(nano_folder, dtype="bfloat16"), plugin).configure_optimizers()


def test_wider_numbers_train():
    task(Table().double()).configure_optimizers()


@pytest.mark.parametrize(
    ("lora", "lr", "warned"),
    [(Lora(rank=2), 1e-6, True), (Lora(rank=2), 1e-5, False), (None, 1e-6, False)],
)
def test_adapters_at_a_rate_for_all_weights_are_warned_about(nano_folder, lora, lr, warned):
    made = task(built(nano_folder, lora=lora), lr=lr)
    made.scheduler_factory = partial(torch.optim.lr_scheduler.LinearLR, start_factor=0.01)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made.configure_optimizers()
    found = [
        str(each.message) for each in told if "Adapters train at the rate" in str(each.message)
    ]
    assert len(found) == warned
    assert all("1e-06" in text and "2e-5" in text for text in found)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": REAL(), "label_balance": 0.5}, "REAL takes the sign of an advantage alone"),
        ({"advantage": PassAtK(2), "reward_kl": 0.1}, "PassAtK asks which totals .* `reward_kl`"),
        ({"advantage": Focal(), "beyond_silence": True}, "Focal asks which .* `beyond_silence`"),
        ({"per_reward": standardized, "beyond_silence": True}, "to another scale"),
        ({"demonstrations": HPT(gate=8)}, "every group fails and rewards do nothing"),
        (
            {"demonstrations": LUFFY(), "rewards": [Diversity(1), Correct()]},
            "'diversity' compares the responses of a group, and `LUFFY`",
        ),
        (
            {"beyond_silence": True, "rewards": [Diversity(1), Correct()]},
            "'diversity' compares the responses of a group, and `beyond_silence`",
        ),
    ],
)
def test_parts_that_would_overlook_each_other_are_refused(settings, message):
    corpus = SimpleNamespace(
        clips=lambda _: [Clip("a", "toy", "", label="sad")],
        training_names=("toy",),
        loading=LoaderSettings(),
    )
    with pytest.raises(ConfigError, match=message):
        test_rl.task(datamodule=corpus, **settings)
