"""A cache with room holds what transformers' own holds."""

import pytest
import torch
from transformers.cache_utils import DynamicCache

from emolit.engine.cache import RoomyLayer, make_room


def states(rows: int, length: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(rows, 2, length, 4, generator=generator) for _ in range(2))


def filled() -> DynamicCache:
    cache = DynamicCache()
    for layer in range(2):
        cache.update(*states(3, 5, layer), layer)
    return cache


def test_tokens_and_rows_are_kept_as_in_a_plain_cache():
    plain, roomy = filled(), filled()
    make_room(roomy, 3)
    assert all(type(layer) is RoomyLayer for layer in roomy.layers)
    kept = torch.arange(3)
    for step, rows in enumerate((torch.tensor([0, 1, 2]), torch.tensor([2, 0]), torch.tensor([1]))):
        kept = kept[rows]
        for cache in (plain, roomy):
            cache.batch_select_indices(rows)
        for layer in range(2):
            new = states(len(kept), 1, 10 + step)
            expected, found = plain.update(*new, layer), roomy.update(*new, layer)
            assert all(map(torch.equal, expected, found))
        assert plain.get_seq_length() == roomy.get_seq_length()
        assert plain.get_mask_sizes(1, 0) == roomy.get_mask_sizes(1, 0)


def test_a_token_is_written_in_place():
    cache = filled()
    make_room(cache, 2)
    before = cache.layers[0].keys.data_ptr()
    cache.update(*states(3, 1, 9), 0)
    assert cache.layers[0].keys.data_ptr() == before


def test_more_tokens_than_there_is_room_for_are_refused():
    cache = filled()
    make_room(cache, 1)
    cache.update(*states(3, 1, 9), 0)
    with pytest.raises(RuntimeError):
        cache.update(*states(3, 1, 9), 0)


def test_layers_of_another_kind_stay():
    cache = DynamicCache()
    make_room(cache, 4)
    assert not cache.layers
