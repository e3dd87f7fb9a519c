"""The corpus of a subcommand: by short name or shipped config, or a sentence."""

import pytest

from emolit.commands.corpus import corpus_parser, read_corpus


def read(*words):
    return read_corpus(corpus_parser("emolit toy", "A toy."), list(words))


@pytest.mark.parametrize("data", ["Tess", "configs/corpora/tess.yaml"])
def test_a_corpus_is_named_by_class_or_by_shipped_config(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus, given = read("--data", data, "--data.root", "somewhere")
    assert (corpus.name, str(corpus.root)) == ("tess", "somewhere")
    assert given.data.class_path.endswith(".Tess")


def test_settings_that_a_corpus_refuses_are_a_sentence(capsys):
    with pytest.raises(SystemExit) as stopped:
        read("--data", "Tess", "--data.fold", "3")
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("error: `fold` of Tess is 3; choose one of [1, 2]")
