"""A tokenizer with fewer tokens cuts the texts that it was made for as the whole one does."""

import json

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from emolit.errors import ConfigError
from tools.vocabulary import passed, shortened

TEXTS = ["The speaker sounds angry, loud and fast.", "<answer>angry</answer> sounds sad."]
OTHER = "Completely unrelated wörds 123!"


def fast(file):
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(file))


@pytest.fixture(scope="module")
def whole():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words = "sounding soundly anger angrily faster speaking spoken saddest loudness answers"
    tokenizer.train_from_iterator([*TEXTS, words] * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def test_the_texts_are_cut_as_before_and_any_other_can_be(whole):
    file, kept = shortened(whole, TEXTS)
    fewer = fast(file)
    assert 257 <= len(fewer) == len(kept) < len(whole)
    for text in TEXTS:
        assert fewer.tokenize(text) == whole.tokenize(text)
        assert [kept[number] for number in fewer.encode(text)] == whole.encode(text)
    assert fewer.decode(fewer.encode(OTHER)) == OTHER


def test_tokens_keep_their_order_and_special_ones_stay(whole):
    file, kept = shortened(whole, TEXTS)
    assert kept == sorted(kept)
    assert kept[0] == whole.convert_tokens_to_ids("<|im_end|>") == 0
    assert json.loads(file)["added_tokens"][0]["id"] == 0


def test_merging_takes_the_first_pair_of_lowest_rank():
    ranks = {("a", "a"): 0, ("aa", "b"): 1, ("a", "b"): 2}
    assert passed("aaab", ranks) == {"a", "b", "aa", "ab"}
    assert passed("x", ranks) == {"x"}


def test_a_tokenizer_of_another_kind_is_refused():
    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, "a")))
    with pytest.raises(ConfigError, match="WordLevel, not byte-level BPE"):
        shortened(words, ["a"])
