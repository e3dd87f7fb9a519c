"""Replies: where they stop, what they say, and the ones that are imitated."""

from dataclasses import replace

import pytest
import torch

from emolit.engine.inputs.responses import decode_responses, encode_targets, find_stop_strings
from emolit.errors import PolicyError
from emolit.policies.nano import Nano

END = 2


@pytest.fixture(scope="module")
def tokenizer(nano_folder):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    return policy.processor.tokenizer


def test_a_stop_string_ends_a_response_and_stays_in_it(tokenizer, batch):
    tokens = encode_targets(tokenizer, END, batch, torch.device("cpu")).tokens[:, 0]
    assert tokenizer.decode(tokens[0, :3]).endswith("</answer>")
    assert find_stop_strings(tokenizer, tokens[:, :3], ("</answer>",)).all()
    assert not find_stop_strings(tokenizer, tokens[:, :2], ("</answer>",)).any()


def test_without_stop_strings_nothing_stops(tokenizer):
    assert (
        find_stop_strings(tokenizer, torch.zeros(3, 2, dtype=torch.long), ()).tolist()
        == [False] * 3
    )


def test_a_stop_string_longer_ago_than_the_tail_is_not_looked_for_again(tokenizer):
    end = tokenizer.encode("</answer>", add_special_tokens=False)
    row = torch.tensor([end + tokenizer.encode("a", add_special_tokens=False) * 16])
    assert find_stop_strings(tokenizer, row[:, :2], ("</answer>",)).all()
    assert not find_stop_strings(tokenizer, row, ("</answer>",)).any()


def test_a_target_comes_back_as_text_without_its_end_token_and_padding(tokenizer, batch):
    targets = ("<answer>sad</answer>", "angry", "a", "neutral and sad", "")
    rollout = encode_targets(tokenizer, END, replace(batch, targets=targets), torch.device("cpu"))
    assert decode_responses(tokenizer, rollout.tokens[:, 0], rollout.mask[:, 0]) == list(targets)
    ends = rollout.tokens[:, 0].gather(-1, rollout.mask[:, 0].sum(-1, keepdim=True) - 1)
    assert (ends == END).all()


def test_a_clip_without_target_cannot_be_imitated(tokenizer, batch):
    with pytest.raises(PolicyError, match="'clip0' of 'toy' has no reply to imitate"):
        encode_targets(
            tokenizer,
            END,
            replace(batch, targets=(None, *batch.targets[1:])),
            torch.device("cpu"),
        )
