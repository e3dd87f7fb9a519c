"""What a vLLM server is asked for one response, by ``/v1/chat/completions``."""

import hashlib
from collections.abc import Sequence
from typing import Any

from emolit.types import Sampling

NEVER = -100.0
"""Bias of a token that must not be drawn; the lowest that the API takes. A list of the tokens that
may be drawn instead would be a megabyte a request."""


def row_seed(seed: int, step: int, clip: str, row: int) -> int:
    """Return the seed of row g of a clip: a function of (seed, step, clip, g), 63 bits.

    One request a row, each with a seed of its own: with ``n`` responses a request vLLM gives child
    i the seed ``seed + i``, and rows of neighboring seeds share their random numbers.

    Args:
        seed: Of the run.
        step: Optimizer step.
        clip: A key that is unique over corpora.
        row: Which of the G responses.
    """
    digest = hashlib.sha256(f"{seed}\n{step}\n{clip}\n{row}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def chat_messages(
    conversation: Sequence[dict[str, Any]], audio: str | None = None, begun: str = ""
) -> dict[str, Any]:
    """Return the fields of a request that put a question.

    Args:
        conversation: Messages as a chat template of transformers takes them.
        audio: WAV in base64, for the part that stands for the clip; None where nothing is heard.
        begun: What is given of the reply.

    Example:
        >>> chat_messages([{"role": "user", "content": "Well?"}], begun="I")["messages"][1]
        {'role': 'assistant', 'content': 'I'}
    """
    messages = [
        {**message, "content": _parts(message["content"], audio)} for message in conversation
    ]
    if not begun:
        return {"messages": messages}
    given = {"role": "assistant", "content": begun}
    return {
        "messages": [*messages, given],
        "add_generation_prompt": False,
        "continue_final_message": True,
    }


def _parts(content: Any, audio: str | None) -> Any:
    """Return the content of a message with the sound itself where a part stands for it."""
    if isinstance(content, str):
        return content
    sound = {"type": "input_audio", "input_audio": {"data": audio, "format": "wav"}}
    return [sound if part["type"] == "audio" else part for part in content]


def sampling_fields(
    sampling: Sampling, forbidden: Sequence[int], ends: Sequence[int]
) -> dict[str, Any]:
    """Return the fields of a request that say how one response is drawn, all but its seed.

    What a server would take from the checkpoint's ``generation_config.json`` is named in full, such
    as Qwen's repetition penalty: training knows nothing of it.

    Args:
        sampling: Not truncated.
        forbidden: Tokens that are never drawn.
        ends: Tokens that end a response.
    """
    return {
        "temperature": sampling.temperature,
        "top_p": 1.0,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "max_completion_tokens": sampling.max_tokens,
        "stop": list(sampling.stop),
        "stop_token_ids": list(ends),
        "include_stop_str_in_output": True,
        "skip_special_tokens": False,
        "spaces_between_special_tokens": False,
        "logit_bias": {str(token): NEVER for token in forbidden},
        "logprobs": True,
        "top_logprobs": 0,
        "return_token_ids": True,
    }
