"""Every shipped experiment runs, from warm start to report, on a few clips."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from sklearn.metrics import balanced_accuracy_score
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from emolit.metrics.rouge_l import rouge_l
from emolit.text.tokenizer import tokenizer
from tests.command import emolit
from tests.fakes.emer import write_emer
from tests.fakes.emo_gator import write_emo_gator
from tests.fakes.emotion_talk import write_emotion_talk
from tests.fakes.iemocap import turns, write_iemocap, write_rated_tones
from tests.fakes.listing import write_tone
from tests.fakes.meld import write_meld
from tests.fakes.mer import EMOTIONS, OPENSETS, names, write_mer2023, write_open, write_rows
from tests.fakes.models import reader, text_model
from tests.fakes.msp_podcast import write_msp_podcast
from tests.fakes.ravdess import write_ravdess
from tests.fakes.savee import write_savee
from tests.fakes.secap import write_secap
from tests.fakes.urdu import write_urdu

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs" / "experiments"
CHECKPOINT = "--model.init_args.policy.init_args.checkpoint"
QUICK = ["--trainer.max_steps", 2, "--trainer.enable_progress_bar", False]
WARM = ["--trainer.max_steps", 60, "--trainer.enable_progress_bar", False]
WARM += ["--model.init_args.optimizer.init_args.lr", 1e-2, "--model.init_args.scheduler", "null"]
"""Enough steps that replies have the layout, so that rewards differ within a group."""
TINY = "{seconds: 1, mels: 20, tower_width: 16, tower_layers: 1, width: 16, layers: 1, heads: 2}"
MIDDLE = TINY.replace("16", "32")
FINE = ["--trainer.precision", "32-true", "--model.init_args.policy.init_args.dtype", "float32"]
"""So small a model does not tell a short tone from silence in bfloat16."""
KEYS = ["id", "corpus", "speaker", "target", "response", "answer", "rewards"]
SPOKEN = ["captions"]
"""What a line has besides where clips have captions."""


def run(name, corpus, root, data):
    """Run the three steps of an experiment below ``root``, as the README does."""
    configs = CONFIGS / name
    nano = ["--model.init_args.policy.init_args.folder", root / "nano"]
    nano += ["--model.init_args.policy.init_args.size", TINY]
    sft, grpo = (
        ["--trainer.default_root_dir", root / "sft"],
        ["--trainer.default_root_dir", root / "grpo"],
    )
    emolit("fit", "--config", configs / "sft.yaml", *data, *WARM, *nano, *sft)
    start = [CHECKPOINT, root / "sft" / "last"]
    often = ["--trainer.log_every_n_steps", 1]
    emolit("fit", "--config", configs / "grpo.yaml", *data, *QUICK, *often, *start, *grpo)
    board = EventAccumulator(str(root / "grpo" / "fit")).Reload()
    assert board.Scalars(f"val/{corpus}/UA")[0].step == 0
    assert board.Scalars("reward/well_formed_sd")[0].value > 0
    assert board.Scalars("train/grad_norm")[0].value > 0
    for folder in (sft, grpo):
        checkpoint = [CHECKPOINT, folder[1] / "last"]
        emolit("test", "--config", configs / "test.yaml", *data, *checkpoint, *folder)


def several(root, *options):
    """Run the experiment with several steps a rollout; the second is of an older policy."""
    config = ["--config", CONFIGS / "demo" / "buffered.yaml", "--trainer.default_root_dir", root]
    emolit("fit", *config, *options, "--trainer.log_every_n_steps", 1)
    board = EventAccumulator(str(root / "fit")).Reload()
    drift = [score.value for score in board.Scalars("train/drift")]
    assert len(drift) == 2
    assert drift[0] < 1e-9 < drift[1]
    assert len(board.Scalars("watch/alarms")) == 2


def check(root, corpora):
    """The table can be recomputed from the predictions by anyone."""
    for corpus, clips in corpora.items():
        path = root / "grpo" / "test" / f"predictions-{corpus}.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(rows) == clips
        assert all(list(row) in (KEYS, KEYS + SPOKEN) for row in rows)
        assert all(set(row["rewards"]) == {"correct", "well_formed"} for row in rows)
        assert all(row["rewards"]["correct"] == (row["answer"] == row["target"]) for row in rows)
        scores = json.loads((root / "grpo" / "test" / "scores.json").read_text())
        told = [row["answer"] or "unreadable" for row in rows]
        expected = balanced_accuracy_score([row["target"] for row in rows], told)
        assert scores["corpora"][corpus]["UA"] == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
def test_the_demo_runs_and_its_report_has_every_run_and_corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write = ["--data.init_args.root", tmp_path / "data"]
    run("demo", "synthetic", tmp_path / "demo", write)
    check(tmp_path / "demo", {"synthetic": 392, "synthetic_shifted": 308})
    start = [CHECKPOINT, tmp_path / "demo" / "sft" / "last"]
    several(tmp_path / "buffered", *write, *QUICK, *start)
    table = [sys.executable, "-m", "emolit", "table", tmp_path / "demo", "--seed", "0"]
    subprocess.run(list(map(str, table)), check=True, capture_output=True)
    report = json.loads((tmp_path / "demo" / "report.json").read_text())
    assert report["seed"] == 0
    found = [(row["run"], row["corpus"], row["split"]) for row in report["results"]]
    assert sorted(found) == sorted(
        (run_name, corpus, "test")
        for run_name in ("sft", "grpo")
        for corpus in ("synthetic", "synthetic_shifted")
    )
    wanted = {"run", "corpus", "split", "n", "UA", "WA", "macro_F1", "weighted_F1", "parse_rate"}
    assert all(wanted <= row.keys() for row in report["results"])
    assert "synthetic_shifted" in (tmp_path / "demo" / "report.md").read_text()
    assert list((tmp_path / "demo").rglob("events.out.tfevents.*"))


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
@pytest.mark.filterwarnings("ignore:.*of the 1440 clips")
def test_the_ravdess_experiment_runs_on_a_fake_release(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_ravdess(tmp_path / "data")
    write_urdu(tmp_path / "data")
    run("ravdess", "ravdess", tmp_path / "runs", ["--data.init_args.root", tmp_path / "data"])
    scores = json.loads((tmp_path / "runs" / "grpo" / "test" / "scores.json").read_text())
    check(tmp_path / "runs", {name: row["n"] for name, row in scores["corpora"].items()})
    assert set(scores["corpora"]) == {"ravdess", "urdu"}
    assert len(scores["labels"]) == 8


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
@pytest.mark.filterwarnings("ignore:.*of the 1440 clips")
@pytest.mark.parametrize("name", ["assembled", "qwen2_audio", "emo_rl/small"])
def test_experiments_of_larger_models_run_on_a_tiny_one(tmp_path, monkeypatch, nano_folder, name):
    monkeypatch.chdir(tmp_path)
    write_ravdess(tmp_path / "data")
    write_urdu(tmp_path / "data")
    data = ["--data.init_args.root", tmp_path / "data", "--data.init_args.loading.num_workers", 0]
    data += ["--trainer.accelerator", "cpu"]
    start, limits = [CHECKPOINT, nano_folder], []
    if name == "emo_rl/small":  # keeps its best alone, so it must come to a validation
        limits = ["--trainer.limit_train_batches", 2, "--trainer.limit_val_batches", 1]
    for stage in ("sft", "grpo"):
        config = CONFIGS / name / f"{stage}.yaml"
        if config.is_file():
            emolit("fit", "--config", config, *data, *QUICK, *limits, *start)
            kept = "best" if limits else "last"
            start = [CHECKPOINT, tmp_path / "runs" / name.split("/")[0] / stage / kept]
    folder = ["--trainer.default_root_dir", tmp_path / "tested"]
    emolit("test", "--config", CONFIGS / name / "test.yaml", *data, *start, *folder)
    scores = json.loads((tmp_path / "tested" / "test" / "scores.json").read_text())
    assert set(scores["corpora"]) == {"ravdess", "urdu"}
    assert scores["corpora"]["urdu"]["n"] == 400


@pytest.mark.filterwarnings("ignore:.*of the 1440 clips")
def test_a_watched_corpus_is_validated_every_few_steps_on_its_validation_speakers(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_ravdess(tmp_path / "data")
    write_urdu(tmp_path / "data")
    quick = ["--trainer.max_steps", 4, "--trainer.val_check_interval", 2]
    quick += ["--trainer.enable_progress_bar", False]
    nano = ["--model.init_args.policy.init_args.folder", tmp_path / "nano"]
    nano += ["--model.init_args.policy.init_args.size", TINY]
    config = ["--config", CONFIGS / "ravdess" / "watched.yaml", "--data.init_args.root", "data"]
    emolit("fit", *config, *quick, *nano)
    root = tmp_path / "runs" / "ravdess" / "watched"
    board = EventAccumulator(str(root / "fit")).Reload()
    for corpus, clips in {"ravdess": 240, "urdu": 148}.items():
        assert [point.step for point in board.Scalars(f"val/{corpus}/UA")] == [1, 3]
        assert [point.value for point in board.Scalars(f"val/{corpus}/n")] == [clips] * 2
    best = torch.load(root / "best.ckpt", weights_only=False)["callbacks"]
    assert {found["monitor"] for found in best.values() if "monitor" in found} == {
        None,
        "val/ravdess/UA",
    }
    assert (root / "best").is_dir()


@pytest.mark.filterwarnings("ignore:.* clips, the release has")
def test_one_line_brings_confidences_into_predictions_and_scores(
    tmp_path, monkeypatch, nano_folder
):
    monkeypatch.chdir(tmp_path)
    write_ravdess(tmp_path / "data", actors=[1, 2, 3, 6])
    write_urdu(tmp_path / "data", clips=3)
    config = ["--config", CONFIGS / "ravdess" / "test.yaml", "--data.init_args.root", "data"]
    config += [CHECKPOINT, nano_folder, "--trainer.default_root_dir", "tested"]
    line = ["--model.init_args.evaluator.init_args.confidence"]
    line += ["[OptionProbability, {class_path: SelfConsistency, init_args: {samples: 6}}]"]
    emolit("test", *config, *line)
    scores = json.loads((tmp_path / "tested" / "test" / "scores.json").read_text())
    urdu = scores["corpora"]["urdu"]
    assert {"probability_ECE", "probability_AURC", "consistency_Brier"} < set(urdu)
    path = tmp_path / "tested" / "test" / "predictions-urdu.jsonl"
    rows = [json.loads(text) for text in path.read_text().splitlines()]
    own = {row["target"] for row in rows}
    assert len(own) == 4
    spreads = [row["probabilities"]["probability"] for row in rows]
    assert all(list(spread) == scores["labels"] for spread in spreads)
    assert all(sum(spread.values()) == pytest.approx(1) for spread in spreads)
    assert all(
        6 * share % 1 == pytest.approx(0)
        for row in rows
        for share in row["probabilities"]["consistency"].values()
    )
    told = [max(own, key=spread.__getitem__) for spread in spreads]
    wanted = balanced_accuracy_score([row["target"] for row in rows], told)
    assert urdu["restricted"]["probability"]["UA"] == pytest.approx(wanted)
    assert urdu["restricted"]["probability"]["parse_rate"] == 1


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
def test_emo_rl_runs_on_the_tiny_model_with_its_own_reward(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = ["--data.init_args.root", tmp_path / "data"]
    configs, quick = CONFIGS / "emo_rl" / "nano", [*QUICK, "--trainer.log_every_n_steps", 1]
    tiny = ["--model.init_args.policy.init_args.size", TINY]
    emolit("fit", "--config", configs / "sft.yaml", *data, *WARM, *tiny)
    start = [CHECKPOINT, "runs/emo_rl_nano/sft/last"]
    emolit("fit", "--config", configs / "grpo.yaml", *data, *quick, *tiny, *start)
    board = EventAccumulator("runs/emo_rl_nano/grpo/fit").Reload()
    assert 0 <= board.Scalars("reward/emotion_similarity")[-1].value <= 1
    tested = [CHECKPOINT, "runs/emo_rl_nano/grpo/last"]
    emolit("test", "--config", configs / "test.yaml", *data, *tiny, *tested)
    scores = json.loads(Path("runs/emo_rl_nano/grpo/test/scores.json").read_text())
    assert set(scores["corpora"]) == {"synthetic", "synthetic_shifted"}


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
@pytest.mark.filterwarnings("ignore:.* clips, the release has")
@pytest.mark.filterwarnings("ignore:.*a question that it has not learned")
@pytest.mark.parametrize("name", ["meld", "iemocap"])
def test_emo_rl_runs_at_full_scale_settings_on_fake_releases(
    tmp_path, monkeypatch, nano_folder, name
):
    """Structured replies, six a prompt, then the corpora that it never heard, whole."""
    monkeypatch.chdir(tmp_path)
    write_meld(tmp_path / "data" / "meld")
    write_iemocap(tmp_path / "data" / "iemocap")
    write_ravdess(tmp_path / "data", actors=[1, 2])
    write_savee(tmp_path / "data")
    common = ["--data.init_args.root", tmp_path / "data", "--trainer.accelerator", "cpu"]
    common += ["--data.init_args.loading.num_workers", 0, "--trainer.devices", 1]
    common += ["--model.init_args.sampling.max_tokens", 4]
    start = [CHECKPOINT, nano_folder]
    limits = ["--trainer.limit_val_batches", 1, "--trainer.log_every_n_steps", 1]
    emolit(
        "fit", "--config", CONFIGS / "emo_rl" / name / "grpo.yaml", *common, *QUICK, *limits, *start
    )
    tuned = [CHECKPOINT, tmp_path / "runs" / "emo_rl" / name / "last"]
    emolit("test", "--config", CONFIGS / "emo_rl" / name / "test.yaml", *common, *tuned)
    assert (tmp_path / "runs" / "emo_rl" / name / "test" / "scores.json").is_file()
    cross = ["--trainer.default_root_dir", tmp_path / "cross"]
    emolit("test", "--config", CONFIGS / "emo_rl" / "cross" / "test.yaml", *common, *tuned, *cross)
    scores = json.loads((tmp_path / "cross" / "test" / "scores.json").read_text())
    assert set(scores["corpora"]) == {"ravdess", "savee", "iemocap"}
    assert scores["corpora"]["savee"]["n"] == 4 * (15 * 3 + 30)
    assert scores["labels"] == ["angry", "happy", "neutral", "sad"]


@pytest.mark.filterwarnings("ignore:.* clips, the release has")
def test_ratings_that_only_listening_tells_are_learned_from_the_shipped_configs(
    tmp_path, monkeypatch
):
    """By speakers that training has not heard; whoever does not listen has a CCC of 0."""
    monkeypatch.chdir(tmp_path)
    write_rated_tones(tmp_path / "data" / "iemocap")
    common = ["--data.init_args.root", tmp_path / "data", "--trainer.accelerator", "cpu"]
    common += ["--data.init_args.loading.num_workers", 0, *FINE]
    learn = ["--trainer.max_epochs", 10, "--trainer.check_val_every_n_epoch", 10]
    learn += ["--trainer.val_check_interval", 1.0, "--trainer.enable_progress_bar", False]
    learn += ["--model.init_args.optimizer.init_args.lr", 1e-2]
    learn += ["--model.init_args.policy", f"{{class_path: Nano, init_args: {{size: {MIDDLE}}}}}"]
    learn += [CHECKPOINT, "null", "--model.init_args.policy.init_args.lora", "null"]
    learn += ["--model.init_args.policy.init_args.gradient_checkpointing", False]
    emolit("fit", "--config", "ratings/sft", *learn, *common)
    quick = [*QUICK, "--trainer.val_check_interval", 2, "--trainer.log_every_n_steps", 1]
    start = [CHECKPOINT, "runs/ratings/sft/best"]
    emolit("fit", "--config", "ratings/grpo", *common, *quick, *start)
    board = EventAccumulator("runs/ratings/grpo/fit").Reload()
    assert board.Scalars("val/iemocap/CCC")[0].value > 0.9
    paid = {"rating_concordance", "rating_distance", "well_formed"}
    assert {f"reward/{name}" for name in paid} < {*board.Tags()["scalars"]}
    emolit("test", "--config", "ratings/test", *common, CHECKPOINT, "runs/ratings/grpo/best")
    folder = Path("runs/ratings/grpo/test")
    scores = json.loads((folder / "scores.json").read_text())["corpora"]["iemocap"]
    rows = (folder / "predictions-iemocap.jsonl").read_text().splitlines()
    session = {turn for turn in turns() if turn.startswith("Ses05")}
    assert {json.loads(row)["id"] for row in rows} == session  # of any label, and of none
    assert scores["n"] == 28
    assert scores["CCC"] > 0.9


@pytest.mark.filterwarnings("ignore:.* clips, the release has")
def test_ratings_run_on_msp_podcast_at_full_scale_settings(tmp_path, monkeypatch, nano_folder):
    monkeypatch.chdir(tmp_path)
    write_msp_podcast(tmp_path / "data", "v1.10")
    common = ["--config", "overlays/ratings_msp_podcast", "--trainer.accelerator", "cpu", *FINE]
    common += ["--data.init_args.root", "data", "--data.init_args.loading.num_workers", 0]
    common += ["--model.init_args.sampling.max_tokens", 4]
    quick = [*QUICK, "--trainer.val_check_interval", 1]
    start = [CHECKPOINT, nano_folder]
    for stage in ("sft", "grpo"):
        emolit("fit", "--config", f"ratings/{stage}", *common, *quick, *start)
        start = [CHECKPOINT, f"runs/ratings/{stage}/best"]
    emolit("test", "--config", "ratings/test", *common, *start)
    scores = json.loads(Path("runs/ratings/grpo/test/scores.json").read_text())["corpora"]
    assert scores.keys() == {"msp_podcast_v1_10"}
    assert scores["msp_podcast_v1_10"]["n"] == 10  # a clip of each emotion, and the last two
    asked = json.loads(Path("runs/ratings/grpo/best/emolit.json").read_text())["prompt"]
    scales = asked["init_args"]["scales"]
    assert scales == {name: [1, 7] for name in ("valence", "arousal", "dominance")}


@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
def test_the_caption_task_runs_and_its_report_is_signed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configs = CONFIGS / "captions"
    data = ["--data.init_args.root", tmp_path / "data", "--data.init_args.clips_per_speaker", 4]
    nano = ["--model.init_args.policy.init_args.folder", tmp_path / "nano"]
    nano += ["--model.init_args.policy.init_args.size", TINY]
    emolit("fit", "--config", configs / "sft.yaml", *data, *WARM, *nano)
    start = [CHECKPOINT, tmp_path / "runs" / "captions" / "sft" / "last"]
    emolit("fit", "--config", configs / "grpo.yaml", *data, *QUICK, *start)
    start = [CHECKPOINT, tmp_path / "runs" / "captions" / "grpo" / "last"]
    single = ["--data", CONFIGS.parent / "corpora" / "synthetic.yaml"]
    emolit("test", "--config", configs / "test.yaml", *single, *data, *start)
    folder = tmp_path / "runs" / "captions" / "grpo" / "test"
    scores = json.loads((folder / "scores.json").read_text())["corpora"]["synthetic"]
    assert scores["signatures"]["ROUGE_L"].startswith("ROUGE_L|tok:en-13a|punct:drop|case:lower")
    text = (folder / "predictions-synthetic.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert scores["n"] == len(rows) == 56
    split = tokenizer("en-13a")
    overlaps = [
        rouge_l(split(row["answer"] or ""), [split(text) for text in row["captions"]])
        for row in rows
    ]
    assert scores["ROUGE_L"] == pytest.approx(sum(overlaps) / len(overlaps))
    assert scores["ROUGE_L"] > 0


@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
def test_affectgpt_rl_runs_on_the_tiny_model_with_its_rewards(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configs, data = CONFIGS / "affectgpt_rl" / "nano", ["--data.init_args.root", tmp_path / "data"]
    tiny = ["--model.init_args.policy.init_args.size", TINY]
    emolit("fit", "--config", configs / "sft.yaml", *data, *WARM, *tiny)
    start = [CHECKPOINT, "runs/affectgpt_rl_nano/sft/last"]
    often = ["--trainer.log_every_n_steps", 1]
    emolit("fit", "--config", configs / "grpo.yaml", *data, *QUICK, *often, *tiny, *start)
    board = EventAccumulator("runs/affectgpt_rl_nano/grpo/fit").Reload()
    assert 0 < board.Scalars("reward/wheel_f1")[-1].value <= 1
    assert -1 <= board.Scalars("reward/list_length")[-1].value <= 0
    tested = [CHECKPOINT, "runs/affectgpt_rl_nano/grpo/last"]
    emolit("test", "--config", configs / "test.yaml", *data, *tiny, *tested)
    scores = json.loads(Path("runs/affectgpt_rl_nano/grpo/test/scores.json").read_text())
    assert set(scores["corpora"]) == {"synthetic", "synthetic_shifted"}
    assert all(found["gold_length"] == 1 for found in scores["corpora"].values())


@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
@pytest.mark.filterwarnings("ignore:.* clips, the release has")
@pytest.mark.parametrize("name", ["emogator", "emer"])
def test_affectgpt_rl_at_small_scale_runs_on_fake_releases(
    tmp_path, monkeypatch, nano_folder, name
):
    monkeypatch.chdir(tmp_path)
    write_emo_gator(tmp_path / "data", categories=(3, 14, 23))
    write_emer(tmp_path / "data", recorded=False)
    start = [CHECKPOINT, nano_folder if name == "emogator" else reader(tmp_path / "reader")]
    data = ["--data.init_args.root", tmp_path / "data", "--model.init_args.sampling.max_tokens", 4]
    data += FINE
    folders = {"emogator": "runs/affectgpt_rl/{}", "emer": "runs/affectgpt_rl/emer_{}"}
    for stage in ("sft", "grpo"):
        config = ["--config", CONFIGS / "affectgpt_rl" / name / f"{stage}.yaml"]
        once = ["--trainer.max_epochs", 2, "--trainer.limit_train_batches", 2]
        once += ["--trainer.limit_val_batches", 2, "--trainer.enable_progress_bar", False]
        once += ["--trainer.val_check_interval", 1]
        emolit("fit", *config, *data, *once, *start)
        start = [CHECKPOINT, Path(folders[name].format(stage)) / "best"]
    tested = ["--config", CONFIGS / "affectgpt_rl" / name / "test.yaml"]
    emolit("test", *tested, *data, *start, "--trainer.default_root_dir", "tested")
    scores = json.loads(Path("tested/test/scores.json").read_text())["corpora"][name]
    # One of three words is unknown, "romantic love"; three of twelve are.
    expected = {"emogator": (6, 2 / 3), "emer": (4, 3 / 4)}[name]
    assert (scores["n"], scores["gold_known"]) == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
@pytest.mark.filterwarnings("ignore:.* clips, the release has")
@pytest.mark.parametrize("form", ["answer", "think"])
def test_affectgpt_rl_runs_at_full_scale_settings_on_fake_releases(
    tmp_path, monkeypatch, nano_folder, form
):
    """Cold start, reinforcement without the clips of the test, the sets with emotion words."""
    monkeypatch.chdir(tmp_path)
    configs, release = CONFIGS / "affectgpt_rl", tmp_path / "data" / "mer2025"
    named = write_open(release, "mercaptionplus")
    words = [(each, OPENSETS[i % len(OPENSETS)]) for i, each in enumerate(named)]
    write_rows(release / "human_openset.csv", ("name", "openset"), words[:20])
    write_rows(release / "ov_merd_plus.csv", ("name", "openset"), words[15:25])
    common = ["--data.init_args.root", tmp_path / "data", "--trainer.accelerator", "cpu"]
    common += ["--data.init_args.loading.num_workers", 0, "--trainer.devices", 1]
    common += ["--model.init_args.sampling.max_tokens", 4, *FINE]
    over = ["--config", CONFIGS.parent / "overlays" / "affectgpt_rl_think.yaml"]
    over = over if form == "think" else []
    quick = [*QUICK, "--trainer.limit_val_batches", 1, "--trainer.log_every_n_steps", 1]
    start = [CHECKPOINT, nano_folder]
    for stage in ("sft", "grpo"):
        config = ["--config", configs / "qwen2_audio" / f"{stage}.yaml", *over]
        half = ["--trainer.val_check_interval", 1.0] if stage == "sft" else []
        emolit("fit", *config, *common, *quick, *half, *start)
        start = [CHECKPOINT, tmp_path / "runs" / "affectgpt_rl" / "qwen2_audio" / stage / "last"]
    write_mer2023(tmp_path / "data" / "mer2023")
    write_meld(tmp_path / "data" / "meld")
    write_iemocap(tmp_path / "data" / "iemocap")
    labels = [(each, EMOTIONS[i % 6]) for i, each in enumerate(names(6, prefix="new"))]
    write_rows(tmp_path / "data" / "mer2024" / "mer_semi.csv", ("name", "discrete"), labels)
    for each, _ in labels:
        write_tone(tmp_path / "data" / "mer2024" / "video-labeled" / f"{each}.wav")
    hears = ["--model.init_args.policy.class_path", "Qwen2Audio", *over]
    hears += ["--data.init_args.loading.frames", 0]
    found = {}
    for part in ("ov_merd", "mer", "dialog"):
        emolit("test", "--config", configs / part / "test.yaml", *hears, *common, *start)
        path = tmp_path / "runs" / "affectgpt_rl" / "unibench" / part / "test" / "scores.json"
        found |= json.loads(path.read_text())["corpora"]
    assert set(found) == {"ov_merd_plus", "mer2023", "mer2024", "meld", "iemocap"}
    assert found["ov_merd_plus"]["n"] == 10
    assert "hit_rate" in found["mer2024"]


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    return text_model(tmp_path_factory.mktemp("sentences"), "AutoModel")


@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
@pytest.mark.filterwarnings("ignore:.* clips, the release has")
@pytest.mark.parametrize("name", ["small", "emotiontalk"])
def test_mecap_r1_runs_on_fake_releases(tmp_path, monkeypatch, nano_folder, sentences, name):
    monkeypatch.chdir(tmp_path)
    write_secap(tmp_path / "data")
    write_emotion_talk(tmp_path / "data")
    configs = CONFIGS / "mecap_r1" / name
    common = ["--data.init_args.root", tmp_path / "data", "--trainer.accelerator", "cpu"]
    common += ["--data.init_args.loading.num_workers", 0, "--trainer.devices", 1]
    common += ["--model.init_args.sampling.max_tokens", 4]
    common += ["--prompt.init_args.transcript", "false", "--prompt.init_args.request", "how"]
    quick = [*QUICK, "--trainer.val_check_interval", 1, "--trainer.limit_val_batches", 1]
    quick += ["--trainer.accumulate_grad_batches", 1, "--trainer.log_every_n_steps", 1]
    start = [CHECKPOINT, nano_folder]
    encoder = {"class_path": "SentenceEncoder", "init_args": {"checkpoint": str(sentences)}}
    space = {"class_path": "EmotionSpace", "init_args": {"encoder": encoder}}
    reward = ["--model.init_args.rewards", json.dumps([space])]
    for stage, more in (("sft", []), ("grpo", reward)):
        folder = ["--trainer.default_root_dir", tmp_path / stage]
        config = ["--config", configs / f"{stage}.yaml"]
        emolit("fit", *config, *common, *quick, *folder, *start, *more)
        start = [CHECKPOINT, tmp_path / stage / "best"]
    folder = ["--trainer.default_root_dir", tmp_path / "tested"]
    emolit("test", "--config", configs / "test.yaml", *common, *start, *folder)
    corpus = {"small": "secap", "emotiontalk": "emotiontalk"}[name]
    scores = json.loads((tmp_path / "tested" / "test" / "scores.json").read_text())
    scores = scores["corpora"][corpus]
    path = tmp_path / "tested" / "test" / f"predictions-{corpus}.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert scores["n"] == len(rows) > 0
    silent = sum(row["rewards"]["emotion_words"] is None for row in rows)
    assert scores["emotion_set_left_out"] == silent
    assert scores["signatures"]["METEOR"].startswith("METEOR|tok:zh-char|")
