"""A scored rollout comes back out of a checkpoint as it was."""

import io
from dataclasses import fields, replace

import torch

from emolit.rl.rollout_buffer import pack_rollout, unpack_rollout
from emolit.types import Rollout, Sampling, ScoredRollout
from tests.tasks.toy import Table, asked

SAMPLING = Sampling(temperature=0.7, top_k=3, stop=("</answer>", "."))


def scored(group_size: int = 3) -> ScoredRollout:
    """A rollout of four prompts in which every field is set and every row is another one."""
    generator = torch.Generator().manual_seed(0)
    shape = (4, group_size)
    bare = Table()._rollout(
        asked(), torch.randint(0, 4, (*shape, 1), generator=generator), SAMPLING
    )
    rollout = replace(
        bare,
        entropy=torch.rand(*shape, 1, generator=generator),
        support=torch.randint(0, 255, (*shape, 1, 2), generator=generator).byte(),
        answers=tuple(tuple(str(b * 10 + g) for g in range(group_size)) for b in range(4)),
        progress=0.25,
    )
    noise = {name: torch.rand(shape, generator=generator) for name in ("correct", "total", "gain")}
    weights = torch.rand(*shape, 1, generator=generator)
    return ScoredRollout(
        rollout, {"correct": noise["correct"]}, noise["total"], noise["gain"],
        reference=weights - 1, responses=torch.tensor(12.0), weights=weights,
        gold=torch.rand(4, generator=generator),
    )  # fmt: skip


def same(one, other) -> bool:
    if isinstance(one, Rollout | ScoredRollout):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_every_field_comes_back_out_of_a_file_that_holds_plain_values_only():
    whole, file = scored(), io.BytesIO()
    torch.save(pack_rollout(whole), file)
    file.seek(0)
    batch = whole.rollout.batch
    again = unpack_rollout(torch.load(file, weights_only=True), batch, torch.device("cpu"))
    assert again.rollout.batch is batch
    assert same(again, whole)
    assert not same(replace(again, total=again.total + 1), whole)


def test_what_replies_began_with_is_kept_with_them():
    whole = scored()
    plain = whole.rollout.batch
    begun = replace(whole, rollout=replace(whole.rollout, batch=replace(plain, begun=("a",) * 4)))
    again = unpack_rollout(pack_rollout(begun), plain, torch.device("cpu"))
    assert again.rollout.batch.begun == ("a",) * 4
