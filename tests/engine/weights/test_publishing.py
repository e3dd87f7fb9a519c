"""Weights are written when they change, by one process, and all learn of it."""

import gc
import socket

import pytest
import torch
from safetensors import SafetensorError
from torch import distributed, multiprocessing

from emolit.engine.weights.publishing import Publisher, on_first_process, process_rank
from emolit.errors import RolloutError


def publish(publisher, version, told):
    def save(folder, state):
        (folder / "weights").write_text(str(state))

    return publisher.publish(version, False, lambda: version, save, told.append)


def test_weights_are_written_when_they_have_changed(tmp_path):
    publisher, told = Publisher(str(tmp_path)), []
    first = publish(publisher, 7, told)
    assert publish(publisher, 7, told) is first and told == [first]
    second = publish(publisher, 8, told)
    assert told == [first, second] and first.name != second.name
    found = list(tmp_path.rglob("weights"))
    assert [path.read_text() for path in found] == ["8"]
    assert str(found[0].parent) == second.folder
    del publisher
    gc.collect()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [OSError(28, "No space left"), SafetensorError("os error 28")])
def test_weights_that_a_disk_refuses_are_told_with_whom_they_are_for(tmp_path, error):
    publisher = Publisher(str(tmp_path))
    publisher.check()
    assert not list(tmp_path.iterdir())

    def save(folder, state):
        raise error

    with pytest.raises(RolloutError, match=r"for the servers cannot be written to .* 28.*`folder`"):
        publisher.publish(0, False, lambda: None, save, lambda weights: None)


def test_two_runs_never_share_a_name(tmp_path):
    names = {publish(Publisher(str(tmp_path)), 1, []).name for _ in range(2)}
    assert len(names) == 2


def test_what_was_not_announced_is_written_again(tmp_path):
    publisher = Publisher(str(tmp_path))

    class Deaf(list):
        def append(self, weights):
            raise RolloutError("nobody there")

    with pytest.raises(RolloutError, match="nobody there"):
        publish(publisher, 1, Deaf())
    told = []
    assert publish(publisher, 1, told).name.endswith("-2") and len(told) == 1


def together(rank, place, port):
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    publisher, told = Publisher(place), []
    weights = [publish(publisher, version, told) for version in (3, 3, 4 + rank)]
    everyone = [None, None]
    distributed.all_gather_object(everyone, weights)
    assert everyone[0] == everyone[1]  # the first process decides
    assert len(told) == (0 if rank else 2)
    assert on_first_process(process_rank) == 0

    def fail():
        raise RolloutError(f"process {rank} is away")

    with pytest.raises(RolloutError, match="process 0 is away"):
        on_first_process(fail)
    distributed.destroy_process_group()


def test_the_first_process_writes_and_all_learn_what_became_of_it(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(together, (str(tmp_path), port), nprocs=2)
