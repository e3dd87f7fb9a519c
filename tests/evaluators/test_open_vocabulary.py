import json
import pickle
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from torch import Tensor, distributed, multiprocessing

from emolit.affect.packaged_lexicon import WHEELS, PackagedLexicon
from emolit.errors import ConfigError, CorpusError
from emolit.evaluators.open_vocabulary import OpenVocabulary, gold_words
from emolit.text.words import split_list_as_released
from emolit.types import Answer, Clip, Evaluation
from tests.command import emolit
from tests.evaluators.answers import batch_of
from tests.fakes.tones import write_experiment
from tests.lexicons import Toy, released

CONFIGS = Path(__file__).parents[2] / "configs"
Row = tuple[str, tuple[str, ...], str | None, Answer | None]


def evaluation(*rows: Row) -> Evaluation:
    """Corpus, words, label and answer of each clip."""
    clips = [
        Clip(f"{i}", corpus, "a.wav", label, words=words)
        for i, (corpus, words, label, _) in enumerate(rows)
    ]
    return Evaluation(batch_of(clips, ()), ("?",) * len(rows), tuple(row[-1] for row in rows))


def started(*names: str, evaluator: OpenVocabulary | None = None) -> OpenVocabulary:
    evaluator = evaluator or OpenVocabulary(Toy())
    evaluator.start(names)
    return evaluator


def test_each_corpus_is_scored_by_itself_and_a_hit_rate_needs_labels():
    evaluator = started("one", "two")
    evaluator.update(
        evaluation(
            ("one", ("sad", "angry"), None, ("sad",)),
            ("two", (), "happy", ("joyful", "sad")),
            ("one", ("happy",), None, None),
        )
    )
    scores = evaluator.compute()
    assert float(scores["one/F1/fine"]) == pytest.approx(2 * 0.5 * 0.25 / 0.75)
    assert (float(scores["two/precision"]), float(scores["two/recall"])) == (0.5, 1.0)
    assert (float(scores["two/hit_rate"]), float(scores["two/labeled"])) == (1.0, 1.0)
    assert (float(scores["one/n"]), float(scores["one/parse_rate"])) == (2.0, 0.5)
    assert "one/hit_rate" not in scores
    assert {(value.dtype, value.dim()) for value in scores.values()} == {(torch.float64, 0)}


def test_an_answer_that_is_a_text_counts_by_the_words_spotted_in_it():
    evaluator = started("one")
    evaluator.update(evaluation(("one", ("happy",), None, "The character is very happy today.")))
    scores = evaluator.compute()
    assert (float(scores["one/F1"]), float(scores["one/length"])) == (1.0, 1.0)


def test_a_clip_without_words_and_label_is_an_error_and_nothing_is_counted():
    evaluator = started("one")
    with pytest.raises(CorpusError, match=r"clip '1' of 'one' has neither words nor a label"):
        evaluator.update(evaluation(("one", ("sad",), None, ()), ("one", (), None, ("sad",))))
    assert float(evaluator.compute()["one/n"]) == 0
    assert gold_words(Clip("a", "one", "a.wav", "sad", words=("low",))) == ("low",)


def test_a_wheel_that_is_not_there_is_an_error_at_once():
    with pytest.raises(ConfigError, match="round"):
        OpenVocabulary(Toy(), wheels=["round"])


@pytest.mark.filterwarnings("ignore:None of the")
def test_a_sample_whose_gold_maps_nowhere_is_left_out_and_its_share_is_told():
    evaluator = started("one")
    evaluator.update(evaluation(("one", ("xyzzy",), None, ("sad",)), ("one", ("sad",), None, ())))
    scores = evaluator.compute()
    assert float(scores["one/left_out/fine"]) == 0.5
    assert (float(scores["one/F1"]), float(scores["one/gold_known"])) == (0.0, 0.5)


def signature(evaluator: OpenVocabulary) -> str:
    """That of every score that is shown."""
    evaluator.start(("one", "two"))
    told = evaluator.signatures()
    assert {"one/F1", "one/hit_rate", "two/F1"} < {*told}
    (only,) = {*told.values()}
    return only


def test_the_signature_says_every_choice_and_the_mode(shared):
    assert signature(OpenVocabulary(Toy())).startswith(
        "wheelF|toy|ring:1|wheels:all|mode:strict|unknown:wrong|neutral:own|no_hit:zero|"
        "no_sample:nan|extract:lexicon|emolit:"
    )
    cases = [
        (OpenVocabulary(released(shared, "2025"), None, "free", "nan", "nan"), "parity"),
        (OpenVocabulary(released(shared, "2026"), None, "free", "zero", "zero"), "parity"),
        (OpenVocabulary(released(shared, "2026"), None, "free", "nan", "nan"), "own"),
        (OpenVocabulary(released(shared, "2025")), "own"),
        (OpenVocabulary(released(shared, "2026", strict=True)), "strict"),
        (OpenVocabulary(Toy("unknown")), "own"),
        (OpenVocabulary(PackagedLexicon(negated="drop")), "strict"),
        (OpenVocabulary(Toy(), ["fine"], unknown="free"), "own"),
    ]
    for evaluator, mode in cases:
        assert f"|mode:{mode}|" in signature(evaluator)
    assert "lexicon:emolit|negated:drop|ring:1" in signature(cases[-2][0])
    assert "wheels:fine" in signature(cases[-1][0])
    assert "tables:2025|own:no" in signature(cases[0][0])


def test_the_packaged_lexicon_is_the_default_and_survives_pickling():
    evaluator = started("one", evaluator=OpenVocabulary())
    evaluator.update(evaluation(("one", ("悲伤", "anxious"), "sad", ("sadness", "worried"))))
    scores = pickle.loads(pickle.dumps(evaluator)).compute()
    assert float(scores["one/F1"]) == 1.0
    assert float(scores["one/hit_rate"]) == 1.0


@pytest.mark.filterwarnings("ignore:RewardWatch")  # random weights answer nothing readable
def test_open_words_are_asked_for_rewarded_and_scored_from_one_config(tmp_path, nano_folder):
    config = write_experiment(tmp_path, nano_folder, speakers=3)
    text = config.read_text()
    for old, new in (
        ("prompt: Direct", "prompt: {class_path: OpenVocabulary, init_args: {think: true}}"),
        ("{class_path: Categorical}", str(CONFIGS / "evaluators" / "open_vocabulary.yaml")),
        ("Correct, WellFormed, tests.fakes.sounds.Sounds", "WheelF1, ThinkTarget, ListLength"),
        ("/UA", "/F1"),
    ):
        assert old in text
        text = text.replace(old, new)
    config.write_text(text)
    folder = ["--trainer.default_root_dir", tmp_path / "run"]
    emolit("fit", "--config", config, *folder)
    callbacks = ["--trainer.callbacks", "[Report, PredictionWriter, Pictures]"]
    emolit("test", "--config", config, *folder, *callbacks)
    report = json.loads((tmp_path / "run" / "test" / "scores.json").read_text("utf-8"))
    tones = report["corpora"]["tones"]
    assert (tones["n"], tones["labeled"], tones["hit_rate"]) == (8, 8, 0.0)
    assert "|mode:strict|" in tones["signatures"]["F1"]
    assert set(tones["per_wheel"]) == set(WHEELS)


def stored_rows(folder: Path) -> list[Row]:
    cases = json.loads((folder / "reference" / "reference_cases.json").read_text("utf-8"))
    read = [
        [
            split_list_as_released(w) if isinstance(w, str) else tuple(w)
            for w in (c["gt"], c["pred"])
        ]
        for c in cases["ov_cases"]
    ]
    return [("one", gold or ("nothing",), "sad", answer) for gold, answer in read]


def score(rank: int, world: int, folder: str, shared: Path) -> None:
    """Score each process's share; the last one has no clip of the second corpus."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meet",
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=120),
    )
    rows = stored_rows(shared)[rank::world]
    torch.save(scored(shared, rows, rank == 0), Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()


def scored(shared: Path, rows: list[Row], both: bool) -> dict[str, Tensor]:
    lexicon = released(shared, "2026", strict=True)
    evaluator = started("one", "two", "nobody", evaluator=OpenVocabulary(lexicon))
    for begin in range(0, len(rows), 7):
        evaluator.update(evaluation(*rows[begin : begin + 7]))
    if both:
        evaluator.update(evaluation(("two", ("sad",), "happy", ("happy",))))
    return evaluator.compute()


@pytest.mark.parametrize("world", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_several_processes_give_the_numbers_of_one(shared, tmp_path, world):
    multiprocessing.spawn(score, (world, str(tmp_path), shared), nprocs=world)
    wanted = scored(shared, stored_rows(shared), both=True)
    assert float(wanted["one/n"]) == 50
    for rank in range(world):
        found = torch.load(tmp_path / f"{rank}.pt")
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            torch.testing.assert_close(found[name], value, atol=1e-12, rtol=0, equal_nan=True)
