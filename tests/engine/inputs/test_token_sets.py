"""Tokens that end a response and tokens that are never drawn."""

from types import SimpleNamespace

import pytest
from torch import nn

from emolit.engine.inputs.token_sets import end_token, end_tokens, forbidden_tokens
from emolit.errors import PolicyError
from tests.fakes.models import tokenizer


def model(eos, rows=12, **named):
    return SimpleNamespace(
        generation_config=SimpleNamespace(eos_token_id=eos),
        config=SimpleNamespace(to_dict=lambda: named),
        get_input_embeddings=lambda: nn.Embedding(rows, 1),
    )


class Tokenizer(SimpleNamespace):
    """Ten tokens; 7, 8 and 9 are special."""

    eos_token_id = 9
    pad_token_id = 8
    all_special_ids = (7, 8, 9)

    def __len__(self):
        return 10


@pytest.mark.parametrize(
    ("eos", "expected"), [(None, {9}), (3, {3, 9}), ([3, 4], {3, 4, 9}), ([9], {9})]
)
def test_a_response_ends_as_model_and_tokenizer_say(eos, expected):
    assert end_tokens(model(eos), Tokenizer()) == expected


def test_special_named_and_unused_tokens_are_forbidden_but_ends_are_not():
    base = model(7, audio_token_id=2, image_token_index=3, token_id_of_nothing=5, pad_token_id=None)
    assert forbidden_tokens(base, Tokenizer(), {1}, {7, 9}) == {1, 2, 3, 8, 10, 11}


def test_names_that_lie_outside_the_embedding_are_left_out():
    assert forbidden_tokens(model(None, audio_token_id=99), Tokenizer(), {-1}, {9}) == {
        7,
        8,
        10,
        11,
    }


@pytest.mark.parametrize(
    ("behind", "eos", "named", "expected"),
    [
        ("<|im_end|>\n", "<|endoftext|>", ["<|endoftext|>"], "<|im_end|>"),
        (" <|im_end|><|endoftext|>", "<|endoftext|>", [], "<|im_end|>"),
        ("\n### User:", "<|endoftext|>", ["<|im_end|>", "<|endoftext|>"], "<|endoftext|>"),
        ("", "<|endoftext|>", [], "<|endoftext|>"),
        ("", "<|endoftext|>", ["<|im_end|>"], "<|im_end|>"),
        ("</s>", None, ["<|im_end|>"], "<|im_end|>"),
    ],
)
def test_a_reply_ends_as_the_template_says_else_as_tokenizer_or_model_do(
    behind, eos, named, expected
):
    words = tokenizer((), "")
    words.eos_token = eos
    base = model(words.convert_tokens_to_ids(named))
    found = end_token(base, words, behind, "here")
    assert words.convert_ids_to_tokens(found) == expected


def test_a_reply_that_nothing_ends_is_refused():
    words = tokenizer((), "")
    words.eos_token = None
    with pytest.raises(PolicyError, match=r"No token ends a reply of 'here': .* Set `eos_token`"):
        end_token(model(None), words, "\n", "here")
