import json
from pathlib import Path
from typing import Any

import pytest
import torch

from emolit.callbacks.prediction_writer import PredictionWriter, join_parts, part_file, prediction
from emolit.errors import ConfigError
from emolit.files.folder_lock import NAME
from emolit.types import Answer, Clip, Evaluation
from tests.callbacks.tiny import Loader, Told, batch_of, trainer
from tests.fakes.holding import hold_elsewhere

CLIPS = [
    Clip("b/喜", "one", "b.wav", "happy", "anna"),
    Clip("a", "one", "a.wav", "sad", "bert"),
    Clip("a", "two", "a.wav", "angry", "carl"),
    Clip("c", "one", "c.wav", "sad", "bert"),
]
REPLIES: dict[str, tuple[str, Answer | None]] = {
    "b/喜": ('<answer>happy</answer> "高兴"\n\u2028', "happy"),
    "a": ("<answer>sad</answer>", "sad"),
    "c": ("no idea", None),
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(folder: Path, stage: str) -> None:
    module = Told(REPLIES, ("one", "two"))
    loader = Loader(batch_of(*CLIPS[:3]), batch_of(*CLIPS[3:]))
    getattr(trainer(folder, PredictionWriter()), stage)(module, loader)


def test_every_clip_has_one_line_sorted_by_id_in_the_file_of_its_corpus(tmp_path: Path):
    run(tmp_path, "test")
    one = lines(tmp_path / "test" / "predictions-one.jsonl")
    assert one == [
        {
            "id": "a",
            "corpus": "one",
            "speaker": "bert",
            "target": "sad",
            "response": "<answer>sad</answer>",
            "answer": "sad",
            "rewards": {"correct": 0.5},
        },
        {
            "id": "b/喜",
            "corpus": "one",
            "speaker": "anna",
            "target": "happy",
            "response": '<answer>happy</answer> "高兴"\n\u2028',
            "answer": "happy",
            "rewards": {"correct": 0.5},
        },
        {
            "id": "c",
            "corpus": "one",
            "speaker": "bert",
            "target": "sad",
            "response": "no idea",
            "answer": None,
            "rewards": {"correct": None},
        },
    ]
    assert [list(line) for line in one] == [
        ["id", "corpus", "speaker", "target", "response", "answer", "rewards"]
    ] * 3
    assert [line["id"] for line in lines(tmp_path / "test" / "predictions-two.jsonl")] == ["a"]


def test_text_stays_readable_in_the_file(tmp_path: Path):
    run(tmp_path, "test")
    text = (tmp_path / "test" / "predictions-one.jsonl").read_text(encoding="utf-8")
    assert "高兴" in text
    assert "喜" in text
    assert "\r" not in text


def test_predict_writes_into_its_own_folder(tmp_path: Path):
    run(tmp_path, "predict")
    assert len(lines(tmp_path / "predict" / "predictions-one.jsonl")) == 3
    assert not (tmp_path / "test").exists()


def test_nothing_else_is_left_in_the_folder(tmp_path: Path):
    run(tmp_path, "test")
    names = sorted(path.name for path in (tmp_path / "test").iterdir())
    assert names == ["predictions-one.jsonl", "predictions-two.jsonl"]


def test_a_run_that_breaks_leaves_the_predictions_of_the_last_good_one(tmp_path: Path):
    run(tmp_path, "test")
    before = (tmp_path / "test" / "predictions-one.jsonl").read_bytes()
    broken = Told({"a": ("other", None)}, ("one", "two"))
    loader = Loader(batch_of(CLIPS[1]), batch_of(CLIPS[3]))
    with pytest.raises(KeyError):
        trainer(tmp_path, PredictionWriter()).test(broken, loader)
    assert (tmp_path / "test" / "predictions-one.jsonl").read_bytes() == before


def test_two_tests_in_one_folder_do_not_mix(tmp_path: Path):
    with hold_elsewhere(tmp_path / "test", NAME) as other:
        with pytest.raises(ConfigError, match=rf"predictions of a test .* process {other.pid}"):
            run(tmp_path, "test")
        run(tmp_path, "predict")
    run(tmp_path, "test")
    assert len(lines(tmp_path / "test" / "predictions-one.jsonl")) == 3


def test_parts_of_all_processes_are_merged_without_loss_or_repetition(tmp_path: Path):
    def write(rank: int, names: list[str]) -> None:
        rows = [{"corpus": "one", "id": name} for name in names]
        part_file(tmp_path, rank).write_text("".join(json.dumps(row) + "\n" for row in rows))

    write(0, ["d", "a"])
    write(1, ["b", "e"])
    write(2, ["c", "d"])  # a padded sampler hands the first clips out again
    join_parts(tmp_path, 3)
    assert [line["id"] for line in lines(tmp_path / "predictions-one.jsonl")] == list("abcde")
    assert [path.name for path in tmp_path.iterdir()] == ["predictions-one.jsonl"]


def test_distributions_are_written_by_the_names_of_the_options():
    batch = batch_of(*CLIPS[:2])
    rows = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])
    evaluation = Evaluation(batch, ("a", "b"), (None, "sad"), {}, {"probability": rows})
    line = prediction(evaluation, 1)
    assert line["probabilities"] == {"probability": {"angry": 0.0, "happy": 0.0, "sad": 1.0}}
    assert json.loads(json.dumps(line)) == line


def test_a_clip_without_label_has_the_wanted_reply_as_target():
    clip = Clip("a", "one", "a.wav", captions=("She sounds glad.",))
    batch = batch_of(clip)
    batch = type(batch)(**{**vars(batch), "targets": ("She sounds glad.",)})
    line = prediction(Evaluation(batch, ("glad, proud",), (("glad", "proud"),)), 0)
    assert line["target"] == "She sounds glad."
    assert json.loads(json.dumps(line))["answer"] == ["glad", "proud"]
    assert line["rewards"] == {}


def test_words_and_sentiment_of_a_clip_stand_beside_its_answer():
    clip = Clip("a", "one", "a.wav", words=("glad", "proud"), sentiment=0.0)
    line = prediction(Evaluation(batch_of(clip), ("glad",), (("glad",),)), 0)
    plain = json.loads(json.dumps(line))
    assert (plain["words"], plain["sentiment"], plain["target"]) == (["glad", "proud"], 0.0, None)


def test_a_line_of_a_clip_with_captions_holds_these():
    clips = (Clip("a", "one", "a.wav", captions=("低", "慢")), Clip("b", "one", "b.wav"))
    told = Evaluation(batch_of(*clips), ("很慢", "x"), ("很慢", None))
    plain = json.loads(json.dumps(prediction(told, 0)))
    assert plain["captions"] == ["低", "慢"]
    assert "captions" not in prediction(told, 1)
