import sys
from types import SimpleNamespace

import pytest
import torch

from emolit.engine.inputs.video_processor import LEAST, patches, with_placeholders
from emolit.errors import PolicyError

TOWER = SimpleNamespace(patch_size=4, temporal_patch_size=2, spatial_merge_size=2)
KIND = "Qwen2VLVideoProcessor"


def test_patches_tokens_and_times_fit_together():
    pytest.importorskip("torchvision", reason="needs torchvision: pip install 'emolit[frames]'")
    pytest.importorskip("PIL", reason="needs Pillow: pip install 'emolit[frames]'")
    videos = [torch.full((n, 3, 64, 64), 200, dtype=torch.uint8) for n in (4, 3)]
    found, lengths = patches(videos, [2.0, 3.0], TOWER, KIND)
    grid = found["video_grid_thw"]
    assert grid[:, 0].tolist() == [2, 2]  # pictures come in pairs, the last one stands twice
    assert found["pixel_values_videos"].shape == (int(grid.prod(-1).sum()), 3 * 2 * 4 * 4)
    assert lengths == (grid.prod(-1) // 4).tolist() and min(lengths) >= 2 * LEAST
    assert found["video_second_per_grid"].tolist() == [1.0, 2.0]
    gray = (200 / 255 - 0.48145466) / 0.26862954  # CLIP's mean and deviation of red
    red = found["pixel_values_videos"].unflatten(-1, (3, -1))[:, 0]
    torch.testing.assert_close(red, torch.full_like(red, gray), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["torchvision", "PIL"])
def test_without_its_libraries_the_extra_is_named(monkeypatch, name):
    if name == "torchvision":
        pytest.importorskip("PIL", reason="needs Pillow: pip install 'emolit[frames]'")
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PolicyError, match=rf"needs .*{name}.*pip install 'emolit\[frames\]'"):
        patches([torch.zeros(2, 3, 8, 8)], [1.0], TOWER, KIND)


def test_a_chat_without_room_for_pictures_is_refused():
    assert with_placeholders(["a <V> b", "<V>"], "<V>", [2, 1]) == ["a <V><V> b", "<V>"]
    with pytest.raises(PolicyError, match="A chat has 0 video placeholders '<V>' instead of one"):
        with_placeholders(["<V>", "none"], "<V>", [1, 1])
