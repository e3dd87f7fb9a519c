"""COCO's Java programs: what is said where they are missing, and their tokens."""

import json
import stat
import sys

import pytest

from emolit.errors import ConfigError
from emolit.text.coco import coco_part, treebank_tokens

TEXTS = ("She's sad; she cannot (really) stop...", "5 1/2 words, “quoted”", "...", "声音低 low")


def command(folder, script):
    """Put a `java` of one's own on the PATH."""
    file = folder / "java"
    file.write_text(f"#!{sys.executable}\n{script}")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def test_missing_java_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="SPICE is a Java program, and there is no `java`"):
        coco_part("spice.spice", "SPICE")


def test_a_missing_package_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", command(tmp_path, ""))
    with pytest.raises(ConfigError, match=r"needs pycocoevalcap, .* pip install 'emolit\[coco\]'"):
        coco_part("no_such_part", "SPICE")


def test_no_text_needs_no_java(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert treebank_tokens(()) == ()


@pytest.fixture
def programs():
    """Java and pycocoevalcap; skips without them."""
    pytest.importorskip("pycocoevalcap", reason="needs pycocoevalcap, 100 MB, and Java")
    try:
        coco_part("tokenizer.ptbtokenizer", "this test")
    except ConfigError as error:
        pytest.skip(str(error))


def test_tokens_equal_those_of_pycocoevalcap(programs):
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    theirs = PTBTokenizer().tokenize({n: [{"caption": text}] for n, text in enumerate(TEXTS)})
    assert [" ".join(words) for words in treebank_tokens(TEXTS)] == [
        theirs[place][0] for place in range(len(TEXTS))
    ]


def test_tokens_equal_the_stored_ones(programs, shared):
    stored = json.loads((shared / "reference" / "caption_reference_cases.json").read_text())["en"]
    texts = tuple(pair["hyp"] for pair in stored["pairs"])
    assert [list(words) for words in treebank_tokens(texts)] == stored["ptb"]["tokens_hyp"]
    for pair, wanted in zip(stored["pairs"], stored["ptb"]["tokens_ref"], strict=True):
        assert [list(words) for words in treebank_tokens(tuple(pair["refs"]))] == wanted


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("import sys; sys.exit('no such class')", "0 lines for 1 texts .* 1: 'no such class"),
        ("print('a'); print('b')", "2 lines for 1 texts and ended with 0"),
    ],
)
def test_a_program_that_fails_or_loses_a_text_is_told(
    programs, monkeypatch, tmp_path, script, told
):
    treebank_tokens.cache_clear()
    monkeypatch.setenv("PATH", command(tmp_path, script))
    with pytest.raises(ConfigError, match=told):
        treebank_tokens(("a text",))
