"""Tokens against the stored ones, and against sacrebleu's own."""

import json
from shutil import which

import pytest

from emolit.errors import ConfigError
from emolit.text.coco import treebank_tokens
from emolit.text.tokenizer import TOKENIZERS, is_mark, ngrams, tidy, tokenizer

KINDS = {"zh-char": "char", "zh-char-nopunct": "char_nopunct"}
JIEBA = {"zh-jieba": "jieba", "zh-jieba-nopunct": "jieba_nopunct"}


def check(shared, kinds):
    stored = json.loads((shared / "reference" / "caption_reference_cases.json").read_text())["zh"]
    for name, key in kinds.items():
        split = tokenizer(name)
        assert [split(pair["hyp"]) for pair in stored["pairs"]] == stored[key]["tokens_hyp"]
        found = [[split(text) for text in pair["refs"]] for pair in stored["pairs"]]
        assert found == stored[key]["tokens_ref"]


def test_chinese_tokens_equal_the_stored_ones(shared):
    check(shared, KINDS)


@pytest.mark.filterwarnings("ignore")  # jieba 0.42 is of 2020
def test_words_of_jieba_equal_the_stored_ones(shared):
    pytest.importorskip("jieba")
    check(shared, JIEBA)


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        ("zh-char", "他用Very soft的声音 说了2遍！", "他 用 very soft 的 声 音 说 了 2 遍 ！"),
        ("zh-char-nopunct", "“慢”…慢2.5倍😀", "慢 慢 2 5 倍"),
        ("zh-char", "naïve", "na ï ve"),
        ("en-13a", "She's LOUD, isn't she?!", "she's loud isn't she"),
        ("en-13a", "3.5 dB -- low-pitched (soft)", "3.5 db low-pitched soft"),
        ("en-13a", "语速慢", "语速慢"),
        *((name, text, "") for name in KINDS for text in ("", " \n\t", "\x00\x1b\u200b")),
        *((name, "。。！", "") for name in ("zh-char-nopunct", "en-13a")),
    ],
)
def test_each_rule_on_mixed_languages_and_odd_signs(name, text, tokens):
    assert tokenizer(name)(text) == tokens.split()


def test_many_texts_are_those_one_by_one():
    texts = ["Low。", "", "低 voice", "Low。"]
    for name in ("zh-char", "zh-char-nopunct", "en-13a"):
        split = tokenizer(name)
        assert split.tokens(texts) == [split(text) for text in texts]


def test_coco_tokens_are_asked_for_once_and_blank_texts_have_none():
    pytest.importorskip("pycocoevalcap", reason="needs pycocoevalcap, 100 MB, and Java")
    if which("java") is None:
        pytest.skip("needs Java")
    treebank_tokens.cache_clear()
    split = tokenizer("en-ptb")
    for _ in range(2):
        found = split.tokens(["She's\nSAD.", " ", "…", "it cannot", "She's sad."])
        assert found == [["she", "'s", "sad"], [], [], ["it", "can", "not"], ["she", "'s", "sad"]]
    assert treebank_tokens.cache_info().misses == 1
    assert split.signature == "tok:en-ptb|punct:coco|case:lower"


def test_a_text_is_tidied_to_one_line():
    assert (
        tidy("\ufefflow\x85voice\u2028slow\r\n\x07pause\u3000 end ") == "low voice slow pause end"
    )


def test_marks_are_punctuation_and_symbols_of_any_script():
    assert all(map(is_mark, ("，", "…", "€", "+", "!?", "😀", "")))
    assert not any(map(is_mark, ("a!", "5", "語", "é")))


def test_the_signature_names_every_choice():
    assert tokenizer("zh-char").signature == "tok:zh-char|punct:keep|case:lower"
    assert tokenizer("en-13a").signature == "tok:en-13a|punct:drop|case:lower"
    assert all(name == found.name for name, found in TOKENIZERS.items())


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"no tokenizer 'char'; choose one of \['zh-char', "):
        tokenizer("char")


def test_a_short_text_has_no_long_ngram():
    assert ngrams(["a", "b"], 3) == {}
    assert ngrams([], 1) == {}
    assert ngrams(["a", "b", "a", "b"], 2) == {("a", "b"): 2, ("b", "a"): 1}


@pytest.mark.filterwarnings("ignore")  # jieba 0.42 is of 2020
def test_only_a_text_without_a_mark_for_hundreds_of_characters_is_taken_in_parts():
    jieba = pytest.importorskip("jieba")
    text = "他的声音低沉而缓慢，" * 200  # whole, however long
    assert tokenizer("zh-jieba")(text) == [word for word in jieba.lcut(text) if word.strip()]
    endless = "低沉" * 600
    assert "".join(tokenizer("zh-jieba")(endless)) == endless
