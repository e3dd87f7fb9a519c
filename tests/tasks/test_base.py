"""What all tasks share: optimizers."""

from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer

from emolit.affect.taxonomy import Taxonomy
from emolit.corpora.synthetic import Synthetic
from emolit.data.dataset import LoaderSettings
from emolit.errors import ConfigError, CorpusError
from emolit.evaluators.categorical import Categorical
from emolit.policies.majority import Majority
from emolit.prompts.direct import Direct
from emolit.prompts.variation import PromptVariation
from emolit.tasks.sft import SupervisedFinetuning
from tests.tasks.toy import WORDS, Table


def test_a_scheduler_steps_with_the_optimizer():
    task = SupervisedFinetuning(
        policy=Table(),
        optimizer=partial(torch.optim.SGD, lr=1.0),
        evaluator=Categorical(Taxonomy(WORDS)),
        scheduler=partial(torch.optim.lr_scheduler.StepLR, step_size=1),
        prompt=Direct(),
    )
    configured = task.configure_optimizers()
    assert configured["lr_scheduler"]["interval"] == "step"
    assert configured["lr_scheduler"]["scheduler"].optimizer is configured["optimizer"]


@pytest.mark.parametrize("rate", [-1.0, float("nan")])
def test_a_rate_that_torch_refuses_is_a_sentence(rate):
    task = SupervisedFinetuning(
        policy=Table(),
        optimizer=partial(torch.optim.AdamW, lr=rate),
        evaluator=Categorical(Taxonomy(WORDS)),
        prompt=Direct(),
    )
    with pytest.raises(ConfigError, match=rf"settings: .*learning rate: {rate}.*model\.optimizer"):
        task.configure_optimizers()


@pytest.mark.parametrize("frames", [0, 8])
def test_a_policy_knows_before_it_is_built_whether_there_are_pictures(tmp_path, frames):
    """What sees trains where something is seen, and only there."""
    task = SupervisedFinetuning(
        policy=Table(),
        optimizer=partial(torch.optim.SGD, lr=1.0),
        evaluator=Categorical(Taxonomy(WORDS)),
        prompt=Direct(),
    )
    trainer = Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path)
    trainer.datamodule = Synthetic(root=str(tmp_path), loading=LoaderSettings(frames=frames))
    task.trainer = trainer
    task.configure_model()
    assert task.policy.pictured is (frames > 0)


def test_a_policy_without_weights_is_told_which_task_fits_it():
    task = SupervisedFinetuning(
        policy=Majority(),
        optimizer=partial(torch.optim.SGD, lr=1.0),
        evaluator=Categorical(Taxonomy(WORDS)),
        prompt=Direct(),
    )
    with pytest.raises(ConfigError, match=r"Majority has no weights .* `EstimatorFitting`"):
        task.configure_optimizers()


def test_turns_of_dialogs_that_no_training_clip_has_are_refused_before_training(tmp_path):
    task = SupervisedFinetuning(
        policy=Table(),
        optimizer=partial(torch.optim.SGD, lr=1.0),
        evaluator=Categorical(Taxonomy(WORDS)),
        prompt=Direct(variation=PromptVariation(turns=2)),
    )
    trainer = Trainer(accelerator="cpu", logger=False, max_epochs=1, default_root_dir=tmp_path)
    with pytest.raises(CorpusError, match="no clip of 'synthetic' has a turn before it"):
        trainer.fit(task, Synthetic(root=str(tmp_path), prompt=task.prompt))
