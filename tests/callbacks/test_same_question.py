"""A checkpoint that is asked something else than it has learned; real runs on tones."""

import csv
import json
import shutil

import pytest

from emolit.callbacks.same_question import asks_for_labels
from emolit.errors import ConfigError
from emolit.prompts.direct import Direct
from emolit.prompts.open_vocabulary import OpenVocabulary
from tests.command import emolit
from tests.fakes.tones import write_experiment

CHECKPOINT = "--model.init_args.policy.init_args.checkpoint"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, nano_folder):
    """A config, and a trained checkpoint; beside the data a table whose clips are all sad."""
    folder = tmp_path_factory.mktemp("trained")
    config = write_experiment(folder, nano_folder, speakers=4)
    emolit(
        *["fit", "--config", config, "--trainer.default_root_dir", folder / "run"],
        *["--trainer.max_steps", 1, "--trainer.limit_val_batches", 1],
    )
    with (folder / "data" / "tones.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == "sad"]
    with (folder / "data" / "new.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "split": "test"} for row in rows)
    return config, folder / "run" / "last"


def asked(trained, tmp_path, *more):
    config, checkpoint = trained
    words = ["test", "--config", config, "--trainer.default_root_dir", tmp_path]
    emolit(*words, CHECKPOINT, checkpoint, "--trainer.callbacks", "[Report]", *more)


def test_a_checkpoint_says_what_it_was_asked(trained):
    record = json.loads((trained[1] / "emolit.json").read_text())
    assert record["prompt"]["class_path"] == "emolit.prompts.direct.Direct"
    assert record["prompt"]["init_args"]["question"] == Direct().question
    assert record["labels"] == ["happy", "sad"]
    assert record["corpora"] == ["tones"]


def test_the_same_question_is_put_in_silence(trained, tmp_path):
    asked(trained, tmp_path)  # a warning would be an error here


def test_a_checkpoint_that_does_not_say_what_it_was_asked_is_asked_anything(trained, tmp_path):
    config, checkpoint = trained
    shutil.copytree(checkpoint, tmp_path / "last")
    (tmp_path / "last" / "emolit.json").write_text("{}")
    asked((config, tmp_path / "last"), tmp_path / "run", "--prompt.question", "Well? {options}")


def test_a_training_says_what_it_asks_otherwise_than_its_start_did(trained, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr("emolit.callbacks.same_question.rank_zero_info", told.append)
    config, checkpoint = trained
    words = ["fit", "--config", config, "--trainer.default_root_dir", tmp_path]
    emolit(
        *[
            *words,
            CHECKPOINT,
            checkpoint,
            "--trainer.max_steps",
            1,
            "--trainer.limit_val_batches",
            1,
        ],
        *["--prompt.question", "Well? {options}"],
    )
    [said] = told
    assert "another question than this run puts: `question` is 'Well? {options}' and was" in said
    with pytest.warns(UserWarning, match="another question than this run puts: `question` is 'So"):
        emolit(
            *[*words, "--trainer.max_steps", 2],
            *["--ckpt_path", "last", "--prompt.question", "So? {options}"],
        )


def test_labels_that_a_table_lacks_by_accident_are_refused(trained, tmp_path):
    with pytest.raises(ConfigError, match=r"\['happy', 'sad'\].*\['sad'\].*data.init_args.labels"):
        asked(trained, tmp_path, "--data.init_args.path", "new.csv")
    both = ["--data.init_args.path", "new.csv", "--data.init_args.labels", "[happy, sad]"]
    asked(trained, tmp_path, *both)
    assert json.loads((tmp_path / "test" / "scores.json").read_text())["labels"] == ["happy", "sad"]


def test_labels_that_were_chosen_are_warned_of(trained, tmp_path):
    with pytest.warns(UserWarning, match="has not learned"):
        asked(trained, tmp_path, "--data.init_args.labels", "[sad, happy]")


def test_another_corpus_is_asked_about_its_own_labels_with_a_warning(trained, tmp_path):
    data = ["--data", "Synthetic", "--data.init_args.root", tmp_path / "data"]
    data += ["--data.init_args.loading.eval_batch_size", 56]
    with pytest.warns(UserWarning, match=r"\['angry', 'happy', 'neutral', 'sad'\].*not learned"):
        asked(trained, tmp_path, *data, "--trainer.limit_test_batches", 1)


def test_another_prompt_is_warned_of(trained, tmp_path):
    with pytest.warns(UserWarning, match=r"`question` is 'Well\? \{options\}' and was"):
        asked(trained, tmp_path, "--prompt.init_args.question", "Well? {options}")


def test_labels_matter_where_they_are_shown_or_read():
    trained, now = {"labels": ["happy", "sad"]}, {"labels": ["sad"]}
    assert asks_for_labels(Direct(), trained, now)
    assert asks_for_labels(Direct("How do they feel?"), trained, now)
    assert not asks_for_labels(OpenVocabulary(), trained, now)
