"""Servers sleep while training has their GPU, and are awake whenever they are asked."""

import pytest
import torch

from emolit.engine.weights.adapters import Lora
from emolit.errors import ConfigError, RolloutError
from emolit.rl.groups import clips_of
from emolit.rollouts.vllm_colocated import VLLMColocated
from tests.fakes.vllm import vllm
from tests.rollouts.test_vllm_server import PROXIES, SAMPLING, built, draw, engine, rows, shift


@pytest.fixture
def server(nano_folder, monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("emolit.engine.sampling.vllm_client.PAUSE", 0.02)
    with vllm(nano_folder) as made:
        yield made


@pytest.fixture
def few(batch):
    return clips_of(batch, range(3))


def colocated(server, folder):
    return VLLMColocated([server.url], str(folder / "shared"))


@pytest.mark.parametrize("lora", [None, Lora(rank=2)])
def test_it_samples_as_servers_of_their_own_and_sleeps_in_between(
    server,
    few,
    tmp_path,
    nano_folder,
    lora,
):
    policy, made = built(nano_folder, lora), colocated(server, tmp_path)
    made.start()
    assert server.asleep
    drawn = []
    for step in range(2):
        drawn.append(rows(draw(made, policy, few, step)))
        assert server.asleep
        shift(policy)
    assert server.naps == ["/sleep", *["/wake_up", "/sleep"] * 2]
    assert len(server.loads) == 2  # the weights of now, loaded awake
    other = built(nano_folder, lora)
    server.asleep = False
    alone = engine(server, tmp_path)
    for step in range(2):
        assert rows(draw(alone, other, few, step)) == drawn[step]
        shift(other)


def test_a_server_that_was_started_again_is_awake(server, few, tmp_path, nano_folder):
    policy, made = built(nano_folder), colocated(server, tmp_path)
    made.start()
    server.stop()
    server.asleep = False
    server.start()
    draw(made, policy, few)
    assert server.naps == ["/sleep", "/sleep"]


def test_a_server_that_cannot_sleep_is_named(server, tmp_path):
    server.broken = "/sleep"  # as a route that is not there
    with pytest.raises(RolloutError, match="--enable-sleep-mode and VLLM_SERVER_DEV_MODE=1"):
        colocated(server, tmp_path).start()


def test_without_a_gpu_there_is_nothing_to_share(server, tmp_path, nano_folder, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="sees no GPU of CUDA; take `VLLMServer`"):
        colocated(server, tmp_path).check(built(nano_folder), SAMPLING)
