"""What runs are compared by."""

from functools import partial

import torch

from emolit.affect.taxonomy import Taxonomy
from emolit.callbacks.main_settings import BLANK, main_settings
from emolit.demonstrations.chord import CHORD
from emolit.evaluators.categorical import Categorical
from emolit.objectives.grpo import GRPO
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.rewards.correct import Correct
from emolit.rl.hints import Hints
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.tasks.sft import SupervisedFinetuning
from tests.callbacks.tiny import LABELS, Told, trainer


def told(tmp_path, task):
    made = trainer(tmp_path, logger=False)
    made.strategy._optimizers = [torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=0.25)]
    return main_settings(made, task)


def common(nano_folder):
    return {
        "policy": Nano(str(nano_folder)),
        "optimizer": partial(torch.optim.SGD, lr=0.25),
        "evaluator": Categorical(Taxonomy(LABELS)),
        "prompt": Direct(),
    }


def test_a_grpo_run_says_rewards_prices_and_sampling(tmp_path, nano_folder):
    rewards = [Correct(), Correct(weight=0.5, name="again")]
    grpo = GRPO(kl=0.04)
    task = ReinforcementFinetuning(objective=grpo, rewards=rewards, **common(nano_folder))
    found = told(tmp_path, task)
    expected = {
        "task": "ReinforcementFinetuning",
        "policy": "Nano",
        "start": str(nano_folder),
        "objective": "GRPO",
        "advantage": "standardized",
        "rewards": "1 * correct, 0.5 * again",
        "kl": 0.04,
        "group_size": 8,
        "updates": 1,
        "temperature": 1.0,
        "optimizer": "SGD",
        "learning_rate": 0.25,
        "adapters": "none",
    }
    assert expected.items() <= found.items()
    assert list(found) == [name for name in BLANK if name in found]
    for name, value in found.items():
        number = isinstance(BLANK[name], float | int)
        assert isinstance(value, float | int) == number, name  # one type a column


def test_a_run_says_what_it_learns_by_besides_rewards(tmp_path, nano_folder):
    settings = {"demonstrations": CHORD(), "entropy": 0.01, "perception": 0.02, "hints": Hints()}
    task = ReinforcementFinetuning(
        objective=GRPO(kl=0.0), rewards=[Correct()], **settings, **common(nano_folder)
    )
    expected = {"demonstrations": "CHORD", "hints": "Hints", "entropy_bonus": 0.01}
    expected |= {"perception": 0.02, "beyond_silence": False, "label_balance": 0.0}
    assert expected.items() <= told(tmp_path, task).items()


def test_a_task_without_rollouts_leaves_their_settings_out(tmp_path, nano_folder):
    found = told(tmp_path, SupervisedFinetuning(**common(nano_folder)))
    assert found["task"] == "SupervisedFinetuning"
    assert not {"kl", "rewards", "group_size", "temperature"} & found.keys()


def test_any_other_module_says_what_it_can(tmp_path):
    assert told(tmp_path, Told({}))["optimizer"] == "SGD"
