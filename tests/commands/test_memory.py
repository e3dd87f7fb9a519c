"""A run without memory says with what it ran, and what would have taken less."""

from types import SimpleNamespace

import pytest

from emolit.commands.memory import out_of_memory
from emolit.engine.weights.adapters import Lora
from emolit.policies.nano import Nano

SAID = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79 GiB of "
    "which 1 GiB is free.\nSee documentation"
)
LOADING = SimpleNamespace(batch_size=8, eval_batch_size=32, max_seconds=30.0)


def told(validating=False, policy=None, corpus=True, loading=LOADING, **task):
    trainer = SimpleNamespace(validating=validating, sanity_checking=False, global_step=12)
    task = SimpleNamespace(policy=policy or SimpleNamespace(gradient_checkpointing=False), **task)
    corpus = SimpleNamespace(loading=loading) if corpus else None
    return out_of_memory(SAID, trainer, task, corpus)


def test_training_names_batch_group_and_lengths_and_what_lowers_them():
    said = told(group_size=6, sampling=SimpleNamespace(max_tokens=256))
    assert said == (
        "Memory ran out in training step 12 (CUDA out of memory. Tried to allocate 2.00 GiB), with "
        "8 clips of up to 30 s, 6 responses to each, up to 256 tokens a response. Each of these "
        "takes less, the first ones change least: `model.policy.gradient_checkpointing: true`; "
        "`loading.batch_size` below 8, with `trainer.accumulate_grad_batches` raised as much; "
        "`model.sampling.max_tokens` below 256; `model.group_size` below 6; "
        "`loading.max_seconds` below 30."
    )


def test_what_is_set_already_or_does_not_exist_is_not_advised():
    done = told(policy=SimpleNamespace(gradient_checkpointing=True))
    assert "gradient_checkpointing" not in done
    assert "group_size" not in done
    assert "max_tokens" not in done
    assert "gradient_checkpointing" not in told(policy=SimpleNamespace())
    one = SimpleNamespace(batch_size=1, eval_batch_size=1, max_seconds=30.0)
    assert "batch_size" not in told(loading=one)
    assert "group_size" not in told(group_size=2)


def test_a_validation_has_one_response_and_a_batch_of_its_own():
    said = told(validating=True, group_size=6, sampling=SimpleNamespace(max_tokens=256))
    assert "in a validation (CUDA" in said
    assert "with 32 clips of up to 30 s, up to 256 tokens" in said
    assert "`loading.eval_batch_size` below 32;" in said
    assert "group_size" not in said
    assert "gradient_checkpointing" not in said


def test_without_a_corpus_only_the_task_is_told():
    said = told(corpus=False, group_size=6, sampling=SimpleNamespace(max_tokens=256))
    assert "with 6 responses to each" in said
    assert "loading" not in said


@pytest.mark.parametrize(
    ("lora", "merges"),
    [(None, False), (Lora(), True), (Lora(merge=False), False), (Lora(dora=True), False)],
)
def test_adapters_that_are_merged_for_sampling_need_not_be(nano_folder, lora, merges):
    policy = Nano(str(nano_folder), lora=lora)
    policy.build(reference=False, seed=0)
    task = {"policy": policy, "sampling": SimpleNamespace(max_tokens=9)}
    assert ("`model.policy.lora.merge: false`" in told(group_size=6, **task)) is merges
    assert ("lora.merge" in told(validating=True, **task)) is merges
    assert "lora.merge" not in told(**task)  # a step of imitation samples nothing
