"""What all tasks share: optimizers."""

from functools import partial

import torch

from emolit.evaluators.categorical import Categorical
from emolit.prompts.direct import Direct
from emolit.tasks.sft import SupervisedFinetuning
from emolit.taxonomy import Taxonomy
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
