"""Any function as a reward, named by its dotted path in the config."""

import asyncio

import pytest
from jsonargparse import ArgumentParser

from emolit.errors import RewardError
from emolit.rewards import Reward
from emolit.rewards.callable import Callable, readable
from tests.rewards.test_base import rollout


async def slow(clip, response, answer):
    await asyncio.sleep(0.01)
    return None if response == "no" else float(len(response))


def test_a_function_scores_and_names_the_reward():
    reward = Callable(readable)
    assert reward.name == "readable"
    assert reward(rollout()).values.tolist() == [[1.0, 0.0]]


def test_an_asynchronous_function_scores_too():
    values = Callable(slow)(rollout()).values
    assert values[0, 0] == 3.0 and values[0, 1].isnan()


def test_a_function_that_fails_stops_with_context():
    with pytest.raises(RewardError, match=r"'f' on clip 'c0' of 'toy' failed .*'yes'"):
        Callable(lambda clip, response, answer: 1 / 0, name="f")(rollout())


@pytest.mark.parametrize("weight", ["0.5", "{class_path: CosineFade, init_args: {start: 0.5}}"])
def test_yaml_names_function_and_weight(weight):
    parser = ArgumentParser()
    parser.add_argument("--reward", type=Reward)
    node = (
        "{class_path: Callable, init_args: {function: tests.rewards.test_callable.slow, "
        f"weight: {weight}, guard: {{on_error: skip, timeout: 3}}}}}}"
    )
    read = parser.parse_args([f"--reward={node}"])
    made = parser.instantiate_classes(read).reward
    assert made.name == "slow" and made.weight_at(0.0) == 0.5
    assert (made.guard.on_error, made.guard.timeout, made.guard.limit) == ("skip", 3, 16)
