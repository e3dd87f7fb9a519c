"""The video half of a processor: pictures become patches, and chats get room for them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from emolit.errors import PolicyError

LEAST, MOST = 128, 768
"""Tokens of a picture, before two are taken together in time: Qwen2.5-Omni's own bounds."""


def patches(
    videos: Sequence[Tensor], seconds: Sequence[float], tower: Any, kind: str
) -> tuple[dict[str, Tensor], list[int]]:
    """Return what a network of Qwen's takes of pictures.

    Args:
        videos: B series of pictures, evenly spread. ``[N, 3, height, width]`` uint8
        seconds: How long each clip is.
        tower: The network's ``vision_config``, which knows the size of patches.
        kind: Video processor of transformers.

    Returns:
        ``pixel_values_videos`` ``[patches, pixels]``, ``video_grid_thw`` ``[B, 3]`` and
        ``video_second_per_grid`` ``[B]``; and the number of tokens of each video.

    Raises:
        PolicyError: The libraries that it needs are not installed.
    """
    merge, edge = tower.spatial_merge_size, tower.patch_size * tower.spatial_merge_size
    look = _video_processor(kind)(
        patch_size=tower.patch_size,
        temporal_patch_size=tower.temporal_patch_size,
        merge_size=merge,
        size={"shortest_edge": LEAST * edge**2, "longest_edge": MOST * edge**2},
        cap_pixels_per_frame=False,
    )
    found = dict(look(list(videos), return_tensors="pt"))
    grid = found["video_grid_thw"]
    steps = [span / len(video) for span, video in zip(seconds, videos, strict=True)]
    found["video_second_per_grid"] = tower.temporal_patch_size * torch.tensor(steps)
    return found, (grid.prod(-1) // merge**2).tolist()


def _video_processor(kind: str) -> Any:
    """Return the class; it is imported where pictures are seen, and only there.

    Raises:
        PolicyError: torchvision or Pillow is not installed.
    """
    import transformers

    try:
        import PIL  # noqa: F401
        import torchvision  # noqa: F401
    except ModuleNotFoundError as error:
        raise PolicyError(
            f"`{kind}` of transformers needs {error.name}, which is not installed, to see "
            "pictures. Run `pip install 'emolit[frames]'`, or set `loading.frames` to 0."
        ) from error
    return getattr(transformers, kind)


def with_placeholders(texts: list[str], placeholder: str, lengths: Sequence[int]) -> list[str]:
    """Return chats with as many placeholders as each video has tokens.

    Raises:
        PolicyError: A chat has no placeholder, or more than one.
    """
    found = [text.count(placeholder) for text in texts]
    if set(found) != {1}:
        raise PolicyError(
            f"A chat has {next(n for n in found if n != 1)} video placeholders {placeholder!r} "
            "instead of one; look at the chat template of the checkpoint, and keep the placeholder "
            "out of questions."
        )
    return [
        text.replace(placeholder, placeholder * length)
        for text, length in zip(texts, lengths, strict=True)
    ]
