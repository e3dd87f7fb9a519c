"""However often and wherever a run of a tiny Nano ends, it goes on as if it had not."""

import json
import math
from functools import partial
from typing import ClassVar

import pytest
import torch
from lightning.pytorch import Callback, Trainer

from emolit.callbacks.adapter_checkpoint import AdapterCheckpoint
from emolit.callbacks.fit_report import FitReport
from emolit.corpora.manifest import Manifest
from emolit.data.dataset import LoaderSettings
from emolit.errors import ConfigError
from emolit.evaluators.categorical import Categorical
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.tasks.sft import SupervisedFinetuning
from tests.fakes.tones import write_tones

pytestmark = [
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* is not empty"),
    pytest.mark.filterwarnings(r"ignore:Found \d+ module\(s\) in eval mode"),
    pytest.mark.filterwarnings("ignore:The number of training batches"),
]
RUNS = ("whole", "parts")
SCHEDULE = partial(torch.optim.lr_scheduler.LinearLR, total_iters=10)

ENDING = {"stop", "kill", "kill_validation"}


class Killed(BaseException):
    """Nothing catches it, and nobody saves."""


class Witness(Callback):
    """Notes what was trained on and which weights were validated; ends the run where it is told.

    Args:
        stop: After so many batches `should_stop` is set.
        kill: After so many batches the run dies, once all others have seen the batch.
        kill_validation: In the validation of that number the run dies.
    """

    def __init__(self, stop=0, kill=0, kill_validation=0):
        self.stop, self.kill, self.kill_validation = stop, kill, kill_validation
        self.batches, self.validated, self.norms, self.rates = [], [], [], []
        self.begun = 0

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.batches.append((trainer.global_step, *[clip.id for clip in batch.clips]))
        trainer.should_stop = len(self.batches) == self.stop

    def on_validation_start(self, trainer, pl_module):
        self.begun += 1
        if self.begun == self.kill_validation:
            raise Killed

    def on_validation_end(self, trainer, pl_module):
        self.validated.append(trainer.global_step)

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        gradients = [weight.grad.flatten() for weight in pl_module.parameters()]
        self.norms.append(float(torch.cat(gradients).norm()))
        self.rates.append(optimizer.param_groups[0]["lr"])


class Killer(Callback):
    """Stands behind the checkpoints, which Lightning calls last."""

    def __init__(self, witness):
        self.witness = witness

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if self.witness.kill and len(self.witness.batches) == self.witness.kill:
            raise Killed


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("tones")
    write_tones(root, speakers=4, clips=6)  # 12 clips to train on
    return root


@pytest.fixture
def fit(tmp_path, data, nano_folder):
    """Train in a folder; 6 batches an epoch."""

    def run(name, resume="last", every=2, optimizer=None, schedule=SCHEDULE, more=(), **settings):
        ends = {key: settings.pop(key) for key in ENDING & settings.keys()}
        two = LoaderSettings(batch_size=2)
        corpus = Manifest("tones.csv", root=str(data), prompt=Direct(), loading=two)
        task = SupervisedFinetuning(
            policy=Nano(str(nano_folder)),
            optimizer=optimizer or partial(torch.optim.AdamW, lr=1e-2),
            scheduler=schedule,
            evaluator=Categorical(corpus.taxonomy),
            prompt=Direct(),
        )
        witness = Witness(**ends)
        best = AdapterCheckpoint("best", monitor="val/tones/UA")
        validates = settings.get("limit_val_batches", 1.0) != 0
        trainer = Trainer(
            default_root_dir=tmp_path / name,
            accelerator="cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            logger=False,
            num_sanity_val_steps=0,
            callbacks=[
                witness,
                Killer(witness),
                FitReport(),
                AdapterCheckpoint("last", every_n_train_steps=every),
                *([best] if validates else []),
                *more,
            ],
            **{"max_epochs": 2, **settings},
        )
        path = tmp_path / name / f"{resume}.ckpt"
        try:
            trainer.fit(task, corpus, ckpt_path=path if path.exists() else None, weights_only=True)
        except Killed:
            assert ends
        witness.weights = {key: value.clone() for key, value in task.policy.state_dict().items()}
        return witness

    return run


def same(first, second):
    return all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)


PLAIN = {"limit_val_batches": 0}
ENDS = {
    "max_steps": ({}, [{"max_steps": 4}]),
    "several times": ({}, [{"max_steps": 2}, {"max_steps": 3}, {"max_steps": 8}]),
    "at the end of an epoch": ({}, [{"max_steps": 6}, {"max_steps": 6}]),
    "one epoch, then two": ({}, [{"max_epochs": 1}, {"max_epochs": 1}]),
    "in an epoch of one": ({}, [{"max_epochs": 1, "max_steps": 4}, {"max_epochs": 1}]),
    "should_stop": ({}, [{"stop": 3}]),
    "should_stop in a window": ({"accumulate_grad_batches": 2}, [{"stop": 3}, {"stop": 4}]),
    "killed on the last batch, twice": ({"every": 1}, [{"kill": 6}, {"kill": 3}, {"kill": 2}]),
    "killed in windows": ({"accumulate_grad_batches": 2}, [{"kill": 1}, {"kill": 5}, {"kill": 1}]),
}


@pytest.mark.parametrize("name", list(ENDS))
@pytest.mark.parametrize("every", [pytest.param(None, marks=pytest.mark.slow), 2])
def test_a_run_that_ended_goes_on_with_the_batch_that_would_have_followed(fit, name, every):
    settings, ends = ENDS[name]
    settings = {**PLAIN, "every": every, **settings}
    whole = fit("whole", **settings)
    assert len(whole.batches) == 12
    parts = [fit("parts", **{**settings, **end}) for end in ends] + [fit("parts", **settings)]
    assert same(parts[-1], whole)
    if "kill" not in ends[0]:
        rest = len(whole.batches) - len(parts[-1].batches)
        assert parts[-1].batches == whole.batches[rest:]


@pytest.mark.parametrize("resume", ["best", "last"])
def test_a_checkpoint_of_a_validation_inside_a_window_lets_the_window_begin_again(fit, resume):
    settings = {"accumulate_grad_batches": 2, "val_check_interval": 3}
    whole = fit("whole", **settings)
    fit("parts", **settings, kill=5)
    rest = fit("parts", resume, **settings)
    assert same(rest, whole)
    assert rest.norms == whole.norms[-len(rest.norms) :]
    assert rest.validated == whole.validated[-len(rest.validated) :]


@pytest.mark.parametrize(
    ("ends", "settings"),
    [
        ([{"kill_validation": 1}], {"val_check_interval": 2}),
        ([{"kill_validation": 1}, {"kill_validation": 1}], {}),  # at the end of an epoch
        ([{"kill_validation": 2}, {"kill_validation": 1}], {}),  # behind the last step
        ([{"kill_validation": 2}], {"max_steps": 12}),
        ([{"kill_validation": 1}], {"val_check_interval": 3, "accumulate_grad_batches": 2}),
    ],
)
def test_a_validation_that_was_killed_is_done_before_training_goes_on(
    fit, tmp_path, ends, settings
):
    whole = fit("whole", **settings)
    parts = [fit("parts", **settings, **end) for end in ends] + [fit("parts", **settings)]
    seen = [step for part in parts for step in part.validated]
    assert seen == whole.validated
    assert same(parts[-1], whole)
    for file in ("fit.json", "best/selection.json"):
        first, second = (json.loads((tmp_path / run / file).read_text()) for run in RUNS)
        assert {**first, "seconds": 0} == {**second, "seconds": 0}


STILL = {"optimizer": partial(torch.optim.SGD, lr=0.0), "schedule": None, **PLAIN, "max_epochs": 1}
"""The weights stay, so that gradients of single batches are those of a window."""


@pytest.fixture
def norm_of(fit):
    """The norm of the mean gradient of some batches of an epoch."""

    class Gradients(Callback):
        of: ClassVar = []

        def on_before_optimizer_step(self, trainer, pl_module, optimizer):
            self.of.append(torch.cat([weight.grad.flatten() for weight in pl_module.parameters()]))

    fit("single", **STILL, more=[Gradients()])
    return lambda *batches: float(torch.stack([Gradients.of[at] for at in batches]).mean(0).norm())


def test_a_shorter_window_at_the_end_of_an_epoch_is_a_mean_too(fit, norm_of):
    four = fit("four", **STILL, accumulate_grad_batches=4)
    assert four.norms == pytest.approx([norm_of(0, 1, 2, 3), norm_of(4, 5)], rel=1e-5)
    many = fit("many", **STILL, accumulate_grad_batches=20)
    assert many.norms == pytest.approx([norm_of(*range(6))], rel=1e-5)


def test_another_accumulation_counts_from_the_checkpoint_on(fit, norm_of):
    fit("run", **STILL, accumulate_grad_batches=2, max_steps=1)
    rest = fit("run", **STILL, accumulate_grad_batches=3)
    assert rest.norms == pytest.approx([norm_of(2), norm_of(3, 4, 5)], rel=1e-5)


def test_a_lower_learning_rate_counts_in_the_resumed_run(fit):
    """LinearLR goes from 1/3 to 1 in ten steps; so the new rate follows the same line."""
    line = [1 / 3 + step / 10 * 2 / 3 for step in range(10)] + [1.0] * 2
    settings = {**PLAIN, "max_steps": 4}
    assert fit("run", **settings).rates == pytest.approx([1e-2 * at for at in line[:4]])
    lower = partial(torch.optim.AdamW, lr=1e-4)
    rest = fit("run", **PLAIN, optimizer=lower)
    assert rest.rates == pytest.approx([1e-4 * at for at in line[4:]])
    fit("plain", **settings, schedule=None)
    assert fit("plain", **PLAIN, schedule=None, optimizer=lower).rates == [1e-4] * 8


def test_other_options_and_schedules_count_too_and_the_moments_stay(fit):
    fit("run", **PLAIN, max_steps=4)

    class Options(Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            (group,) = trainer.optimizers[0].param_groups
            (self.group,) = [{name: group[name] for name in group if name != "params"}]
            self.steps = {int(each["step"]) for each in trainer.optimizers[0].state.values()}

    seen = Options()
    adam = partial(torch.optim.AdamW, lr=1e-2, betas=(0.5, 0.6), weight_decay=0.3)
    cosine = partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=12)
    rest = fit("run", **PLAIN, max_steps=5, optimizer=adam, schedule=cosine, more=[seen])
    assert (seen.group["betas"], seen.group["weight_decay"], seen.steps) == ((0.5, 0.6), 0.3, {4})
    assert rest.rates == pytest.approx([1e-2 * (1 + math.cos(math.pi * 4 / 12)) / 2])
    again = fit("run", **PLAIN, max_steps=6, optimizer=adam, schedule=None)
    assert again.rates == [1e-2]


def test_an_optimizer_with_other_moments_is_refused(fit):
    fit("run", **PLAIN, max_steps=2)
    with pytest.raises(ConfigError, match="holds the state of AdamW, and `optimizer` is SGD"):
        fit("run", **PLAIN, optimizer=partial(torch.optim.SGD, lr=0.1))


def test_an_epoch_that_became_shorter_than_its_checkpoint_is_refused(fit):
    fit("run", **PLAIN, max_steps=4)
    with pytest.raises(ConfigError, match="behind batch 4 of epoch 0, and an epoch has 3 batches"):
        fit("run", **PLAIN, limit_train_batches=3)
