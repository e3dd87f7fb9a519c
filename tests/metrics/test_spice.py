"""SPICE: who may ask for it, what the program is given, and what becomes of its answer."""

import shutil
from pathlib import Path

import pytest

from emolit.errors import ConfigError
from emolit.metrics.spice import MODELS, Spice
from tests.metrics.pairs import scored
from tests.text.test_coco import command

PROGRAM = """
import json, sys
asked = json.load(open(sys.argv[4]))
answer = [
    {
        "image_id": item["image_id"],
        "scores": {"All": {"f": item["refs"].count(item["test"]) / len(item["refs"])}},
    }
    for item in reversed(asked)
]
json.dump(answer, open(sys.argv[sys.argv.index("-out") + 1], "w"))
"""
"""Stands in for the program: the share of references that are equal to the caption."""


@pytest.fixture
def package(monkeypatch, tmp_path):
    """pycocoevalcap's own Python code in a folder without its programs."""
    part = pytest.importorskip(
        "pycocoevalcap.spice.spice", reason="needs pycocoevalcap, 100 MB, and Java"
    )
    folder = tmp_path / "spice"
    (folder / "lib").mkdir(parents=True)
    monkeypatch.setattr(part, "__file__", str(folder / "spice.py"))
    monkeypatch.setattr("pycocoevalcap.spice.get_stanford_models.SPICEDIR", str(folder))
    monkeypatch.setenv("PATH", command(tmp_path, PROGRAM))
    return folder


def put_models(folder):
    for name in MODELS:
        (folder / "lib" / name).touch()


def test_only_english_is_parsed():
    with pytest.raises(ConfigError, match="English only, and the tokenizer is 'zh-char'"):
        Spice("zh-char")


def test_missing_java_stops_before_anything_is_scored(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="SPICE is a Java program, and there is no `java`"):
        Spice("en-13a")


def test_missing_models_are_told_and_not_downloaded(package):
    with pytest.raises(ConfigError, match=r"needs .*models.jar.*get_stanford_models downloads"):
        Spice("en-13a")
    assert not any((package / "lib").iterdir())


def test_each_caption_is_scored_and_those_without_words_are_worth_0(package):
    put_models(package)
    metric = Spice("en-13a")
    pairs = [
        ("A sad voice.", ["a sad voice", "she cries"]),
        ("Loud", ["loud"]),
        (None, ["sad"]),
        ("...", ["sad"]),
        ("sad", ["...", ""]),
    ]
    assert scored(metric, pairs) == {"SPICE": (0.5 + 1.0) / 5}
    told = metric.signatures()["SPICE"]
    assert "tok:en-13a|" in told and "|impl:pycocoevalcap-spice-1.0|" in told
    metric.reset()
    assert scored(metric, [(None, ["sad"])]) == {"SPICE": 0.0}


def test_a_program_that_fails_is_told(package, monkeypatch, tmp_path):
    put_models(package)
    monkeypatch.setenv("PATH", command(tmp_path, "import sys; sys.exit(3)"))
    with pytest.raises(ConfigError, match=r"ended with 3; .* Java 8 and 11"):
        scored(Spice("en-13a"), [("a", ["a"])])


def test_the_program_itself_finds_equal_captions_equal():
    part = pytest.importorskip(
        "pycocoevalcap.spice.spice", reason="needs pycocoevalcap, 100 MB, and Java"
    )
    if not all((Path(part.__file__).parent / "lib" / name).is_file() for name in MODELS):
        pytest.skip("needs Stanford's models: python -m pycocoevalcap.spice.get_stanford_models")
    if shutil.which("java") is None:
        pytest.skip("needs Java 8 or 11")
    text = "a young woman speaks with a sad voice"
    assert scored(Spice("en-13a"), [(text, [text])]) == pytest.approx({"SPICE": 1.0})
