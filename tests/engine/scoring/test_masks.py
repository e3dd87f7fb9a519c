"""Masks of packed rows."""

from types import SimpleNamespace

import pytest
import torch

from emolit.engine.scoring.masks import (
    blocks,
    branching_blocks,
    decoding_mask,
    layer_masks,
)


def test_a_packed_row_shows_each_response_its_prompt_and_itself():
    prompt = torch.tensor([[False, True]])
    responses = torch.tensor([[[True, True], [True, False]]])
    assert blocks(prompt, responses)[0].int().tolist() == [
        [1, 0, 0, 0, 0, 0],  # padding
        [0, 1, 0, 0, 0, 0],
        [0, 1, 1, 0, 0, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 1, 0, 0, 1, 0],
        [0, 1, 0, 0, 1, 1],  # padding
    ]


def test_a_tail_sees_the_prompt_the_beginning_that_it_shares_and_itself():
    """Two responses of two tokens, the second one cut off; a tail of two and one of one token."""
    prompt = torch.tensor([[True]])
    responses = torch.tensor([[[True, True], [True, False]]])
    found = torch.tensor([[[True, True], [True, False]]])
    seen = branching_blocks(prompt, responses, found, start=torch.tensor([[1, 2]]))[0]
    assert torch.equal(seen[:5, :5], blocks(prompt, responses)[0])
    assert seen[:5, 5:].sum() == 0
    assert seen[5:].int().tolist() == [
        [1, 1, 0, 0, 0, 1, 0, 0, 0],
        [1, 1, 0, 0, 0, 1, 1, 0, 0],
        [1, 0, 0, 1, 0, 0, 0, 1, 0],  # of what is shared padding is hidden
        [1, 0, 0, 1, 0, 0, 0, 1, 1],  # padding
    ]


def config(**settings):
    return SimpleNamespace(get_text_config=lambda: SimpleNamespace(**settings))


BOTH = ["sliding_attention", "full_attention"]
SEEN = blocks(torch.ones(1, 2).bool(), torch.ones(1, 2, 2).bool())
POSITIONS = torch.tensor([[0, 1, 2, 3, 2, 3]])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"sliding_window": None, "layer_types": BOTH},
        {"sliding_window": 2, "layer_types": ["full_attention"]},
        {"sliding_window": 4, "layer_types": ["sliding_attention"]},
    ],
)
def test_layers_without_a_window_or_with_a_long_one_see_all_that_is_theirs(settings):
    mask = layer_masks(SEEN, POSITIONS, config(**settings), torch.float32)
    assert torch.equal(mask == 0, SEEN.unsqueeze(1))
    assert mask.min() == torch.finfo(torch.float32).min


@pytest.mark.parametrize("axes", [1, 3])
def test_a_window_counts_positions_not_places(axes):
    """The last response stands four places behind its prompt, and one position."""
    where = POSITIONS if axes == 1 else POSITIONS.expand(3, -1, -1)
    masks = layer_masks(SEEN, where, config(sliding_window=2, layer_types=BOTH), torch.bfloat16)
    assert torch.equal(masks["full_attention"] == 0, SEEN.unsqueeze(1))
    assert (masks["sliding_attention"][0, 0] == 0).int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [0, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 0, 0],
        [0, 1, 0, 0, 1, 0],
        [0, 0, 0, 0, 1, 1],
    ]


def test_an_architecture_that_names_no_kinds_slides_everywhere():
    mask = layer_masks(SEEN, POSITIONS, config(sliding_window=2), torch.float32)
    assert not (mask[0, 0, 3, :2] == 0).any()


class Network:
    """What a mask of decoded tokens must know."""

    dtype = torch.float32

    def __init__(self, *kinds):
        self.config = config(layer_types=list(kinds))

    def forward(self, input_ids, position_ids):
        raise AssertionError


def test_tokens_behind_padded_prompts_see_all_but_the_padding():
    prompt = torch.tensor([[False, True], [True, True]])
    found = decoding_mask(prompt, 2, Network("full_attention"))
    assert found.shape == (2, 1, 1, 4)
    assert (found[:, 0, 0] == 0).int().tolist() == [[0, 1, 1, 1], [1, 1, 1, 1]]
    assert found[0, 0, 0, 0] == torch.finfo(torch.float32).min
    assert decoding_mask(prompt[1:], 2, Network("full_attention")) is None


def test_where_windows_differ_transformers_makes_the_mask():
    prompt = torch.tensor([[False, True]])
    assert decoding_mask(prompt, 1, Network(*BOTH)).tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("window", [None, 1])
def test_every_row_sees_somebody_and_padding_is_seen_by_itself_alone(window):
    """Left padding of a prompt and right padding of responses, also under the narrowest window."""
    prompt = torch.tensor([[False, False, True], [True, True, True]])
    responses = torch.tensor([[[True, False], [False, False]], [[True, True], [True, False]]])
    seen = blocks(prompt, responses)
    real = torch.cat([prompt, responses.flatten(1)], dim=1)
    assert seen.any(-1).all()
    others = ~torch.eye(seen.shape[-1], dtype=torch.bool)
    assert not (seen & others)[~real.unsqueeze(1).expand_as(seen)].any()
    where = torch.arange(seen.shape[-1]).expand(2, -1)
    settings = {"sliding_window": window, "layer_types": ["sliding_attention"]}
    mask = layer_masks(seen, where, config(**settings), torch.float16)
    assert (mask == 0).any(-1).all()
