"""Every corpus can be built from YAML by the parser of the command line."""

import pytest
from jsonargparse import ArgumentError, ArgumentParser

from emolit.corpora import manifest, mixture, ravdess, urdu
from emolit.corpora.base import Corpus
from emolit.data.dataset import LoaderSettings
from emolit.prompts import Prompt
from emolit.prompts.direct import Direct

YAML = """
prompt: Direct
data:
  class_path: Mixture
  init_args:
    corpora:
    - {class_path: Ravdess, init_args: {fold: 2, label_map: {calm: neutral}}}
    - Urdu
    - {class_path: Manifest, init_args: {path: my/own.csv, labels: [sad, angry]}}
    weights: [2, 0, 1]
    loading: {batch_size: 4, on_bad_audio: skip}
"""


@pytest.fixture
def parse(tmp_path):
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_subclass_arguments(Prompt, "prompt")
    parser.add_subclass_arguments(Corpus, "data")
    parser.link_arguments("prompt", "data.init_args.prompt", apply_on="instantiate")

    def build(*arguments, text=None):
        if text is not None:
            (tmp_path / "config.yaml").write_text(text)
            arguments = (f"--config={tmp_path / 'config.yaml'}", *arguments)
        config = parser.parse_args(list(arguments))
        again = parser.parse_string(parser.dump(config))
        assert parser.dump(again) == parser.dump(config)
        return parser.instantiate(config).data

    return build


def test_a_mixture_with_its_members_root_prompt_and_loading(parse):
    corpus = parse("--data.init_args.root=here", text=YAML)
    assert isinstance(corpus, mixture.Mixture)
    assert corpus.names == ("ravdess", "urdu", "own")
    assert isinstance(corpus.prompt, Direct)
    assert {str(folder) for folder in corpus.folders.values()} == {
        "here", "here/ravdess", "here/urdu",
    }  # fmt: skip
    loading = LoaderSettings(batch_size=4, on_bad_audio="skip")
    assert [member.loading for member in corpus.corpora] == [loading] * 3
    assert corpus.corpora[0].fold == 2
    assert "calm" not in corpus.taxonomy


@pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    [
        ("Ravdess", ["--data.fold=3"], ravdess.Ravdess),
        ("Urdu", [], urdu.Urdu),
        ("Manifest", ["--data.path=x.jsonl", "--data.name=mine"], manifest.Manifest),
    ],
)
def test_each_corpus_takes_root_and_loading_from_the_command_line(parse, name, arguments, kind):
    corpus = parse(
        "--prompt=Direct", f"--data={name}", *arguments, "--data.init_args.root=r",
        "--data.loading.batch_size=3", "--data.init_args.loading.max_seconds=5",
    )  # fmt: skip
    assert type(corpus) is kind
    assert corpus.root == "r"
    assert corpus.loading == LoaderSettings(batch_size=3, max_seconds=5.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (YAML.replace("fold: 2", "fold: 7"), "fold"),
        (YAML.replace("fold: 2", "flod: 2"), "flod"),
        (YAML.replace("batch_size", "batchsize"), "batchsize"),
        (YAML.replace("on_bad_audio: skip", "on_bad_audio: ignore"), "on_bad_audio"),
        (YAML.replace("path: my/own.csv, ", ""), "path"),
        (YAML.replace("Mixture", "Mixtrue"), "Mixtrue"),
    ],
)
def test_a_mistake_fails_at_parse_and_is_named(parse, text, message):
    with pytest.raises(ArgumentError, match=message):
        parse(text=text)


def test_the_base_itself_is_refused(parse):
    with pytest.raises(ArgumentError, match="abstract"):
        parse("--prompt=Direct", "--data=Corpus")
