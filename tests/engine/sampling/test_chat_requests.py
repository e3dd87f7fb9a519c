"""What a server is asked: the policy's chat, and a seed a row."""

import itertools

from emolit.engine.sampling.chat_requests import chat_messages, row_seed, sampling_fields
from emolit.types import Sampling

HEARD = [
    {"role": "system", "content": [{"type": "text", "text": "Listen."}]},
    {
        "role": "user",
        "content": [{"type": "audio", "audio": "clip"}, {"type": "text", "text": "Well?"}],
    },
]


def test_every_row_has_a_seed_of_its_own_that_a_signed_integer_holds():
    keys = list(itertools.product((0, 1, 1 << 32), (0, 1), ("a", "b"), range(8)))
    seeds = {row_seed(*key) for key in keys}
    assert len(seeds) == len(keys)
    assert all(0 <= seed < 1 << 63 for seed in seeds)
    assert len({seed & 0xFFFFFFFF for seed in seeds}) == len(keys)  # what a CPU keeps of it
    assert row_seed(3, 5, "toy/a", 1) == row_seed(3, 5, "toy/a", 1)


def test_the_sound_stands_where_the_chat_has_it():
    messages = chat_messages(HEARD, "UklGRg==")["messages"]
    sound, text = messages[1]["content"]
    assert sound == {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    assert text == {"type": "text", "text": "Well?"}
    assert messages[0] == HEARD[0]


def test_a_reply_that_is_begun_is_the_last_message():
    body = chat_messages(HEARD, "UklGRg==", "<think>")
    assert body["messages"][-1] == {"role": "assistant", "content": "<think>"}
    assert body["continue_final_message"] and not body["add_generation_prompt"]
    assert "continue_final_message" not in chat_messages(HEARD, "UklGRg==")


def test_nothing_is_left_to_the_servers_defaults():
    """Qwen's generation_config.json has top_k 20, top_p 0.8 and a repetition penalty of 1.05."""
    body = sampling_fields(Sampling(temperature=1.5, max_tokens=9), [7, 8], [2])
    neutral = {"top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
    assert neutral.items() <= body.items()
    assert (body["temperature"], body["max_completion_tokens"]) == (1.5, 9)
    assert body["logit_bias"] == {"7": -100.0, "8": -100.0}
    assert body["stop_token_ids"] == [2] and body["stop"] == ["</answer>"]
    assert body["include_stop_str_in_output"] and not body["skip_special_tokens"]
