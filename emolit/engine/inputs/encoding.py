"""From a batch to what a network takes: audio at its rate, and a look at what a processor made."""

import inspect
from typing import Any

from torch import Tensor, nn

from emolit.errors import PolicyError
from emolit.types import Batch


def begin_replies(texts: list[str], batch: Batch) -> list[str]:
    """Return chats, each with what is given of its reply."""
    if not batch.begun:
        return texts
    return [text + start for text, start in zip(texts, batch.begun, strict=True)]


def pad_waveforms(batch: Batch, rate: int, shortest: float = 0.0) -> list[Any]:
    """Return the clips as arrays at a rate, in Hz, padded to ``shortest`` seconds at least.

    Raises:
        PolicyError: A clip is text alone.
    """
    from torchaudio.functional import resample

    waveforms = []
    for clip, waveform in zip(batch.clips, batch.waveforms, strict=True):
        if not len(waveform):
            raise PolicyError(
                f"The clip {clip.id!r} of {clip.corpus!r} has no audio, only text; choose the "
                "policy `TextOnly`, or let the corpus serve its audio."
            )
        audio = resample(waveform, batch.sampling_rate, rate)
        missing = max(0, int(shortest * rate) - len(audio))
        waveforms.append(nn.functional.pad(audio, (0, missing)).numpy())
    return waveforms


def check_lengths(
    batch: Batch, waveforms: list[Any], rate: int, window: float | None, source: str
) -> None:
    """Refuse clips that are longer than the window.

    Args:
        batch: Names the clips.
        waveforms: Their audio.
        rate: Of the audio, in Hz.
        window: Seconds that the network hears; None is no limit.
        source: What the network was loaded from.

    Raises:
        PolicyError: A clip is longer.
    """
    for clip, waveform in zip(batch.clips, waveforms, strict=True):
        if window is not None and len(waveform) > rate * window:
            raise PolicyError(
                f"The clip {clip.id!r} of {clip.corpus!r} has {len(waveform) / rate:.1f} s, but "
                f"{source!r} hears {window:g} s; set `long_audio: cut`, or leave it out."
            )


def check_inputs(inputs: dict[str, Tensor], base: Any, source: str) -> None:
    """Refuse inputs that a network does not take as they are.

    Args:
        inputs: What the processor made, ``input_ids`` ``[B, P]`` among it.
        base: The transformers model.
        source: What it was loaded from.

    Raises:
        PolicyError: The network has no such argument, or a prompt is longer than its context.
    """
    unused = sorted(set(inputs).difference(inspect.signature(base.forward).parameters))
    if unused:
        raise PolicyError(
            f"The processor of {source!r} makes {unused}, which "
            f"{type(base).__name__} does not take; override `process` in the policy."
        )
    length, context = inputs["input_ids"].shape[1], context_of(base)
    if context is not None and length >= context:
        raise PolicyError(
            f"A prompt has {length} tokens, but the context of {source!r} is "
            f"{context}; cut the audio with `loading.max_seconds`, or shorten the question."
        )


def check_room(
    batch: Batch, prompts: list[int], responses: list[int], base: Any, source: str
) -> None:
    """Refuse responses that end, or may end, beyond the context.

    Args:
        batch: Names the clips.
        prompts: Tokens of each prompt.
        responses: Tokens of the longest response to each.
        base: The transformers model.
        source: What it was loaded from.

    Raises:
        PolicyError: A prompt and its response are longer.
    """
    context = context_of(base)
    for clip, prompt, response in zip(batch.clips, prompts, responses, strict=True):
        if context is not None and prompt + response > context:
            raise PolicyError(
                f"The prompt of the clip {clip.id!r} of {clip.corpus!r} has {prompt} tokens and "
                f"its response up to {response}, but the context of {source!r} is {context}; lower "
                "`sampling.max_tokens`, or shorten the target, the question, or the audio "
                "(`loading.max_seconds`)."
            )


def context_of(base: Any) -> int | None:
    """Return how many tokens a network reads at most; None where its config names no limit."""
    context: int | None = getattr(base.config.get_text_config(), "max_position_embeddings", None)
    return context


def feature(value: Tensor) -> bool:
    """Tell whether an input takes the type of the weights: no index, no mask, no time."""
    return value.is_floating_point() and value.dim() > 1
