"""Results: rows equal what the predictions say by other means; the page says it in plain words."""

import importlib
import json
import statistics
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, f1_score

from tests.fakes.command import stand_in

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
LABELS = ["angry", "happy", "sad"]
SWEEP = """
root: runs
axes: {fold: [1, 2], seed: [0, 1]}
arms:
  sft: {train: {fit: sft.yaml}, test: {test: test.yaml}}
  grpo: {train: {fit: grpo.yaml, from: sft/train}, test: {test: test.yaml}}
compare: [{arm: grpo, versus: sft}]
"""


@pytest.fixture
def tool():
    return importlib.import_module("emolit.commands.results.command")


def answers(seed, skill, corpus, speakers):
    """Return made-up predictions on 20 clips a speaker; ``skill`` of them are right."""
    random = np.random.default_rng(seed)
    for speaker in speakers:
        for index in range(20):
            target = LABELS[index % 3]
            other = [*LABELS, None][random.integers(4)]
            answer = target if random.random() < skill else other
            yield {
                "id": f"{speaker}-{index}",
                "corpus": corpus,
                "speaker": speaker,
                "target": target,
                "response": "",
                "answer": answer,
                "rewards": {"correct": float(answer == target), "length": index / 20},
            }


def leave(folder, arm, fold, seed, by_corpus, **record):
    """Leave what a finished test stage leaves."""
    (folder / "test").mkdir(parents=True)
    corpora = {}
    for corpus, lines in by_corpus.items():
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "test" / f"predictions-{corpus}.jsonl").write_text(text)
        interval = {"low": 0.1, "high": 0.9, "level": 0.95, "unit": "speakers", "clusters": 3}
        interval |= {"resamples": 1000, "seed": 0, "remark": "unreliable: only 3 speakers"}
        corpora[corpus] = {"n": len(lines), "UA": ua(lines), "UA_interval": interval,
                           "per_class": per_class(lines), "dropped": {},
                           "cropped": 3, "words": 2}  # fmt: skip
    scores = {"seed": seed, "split": "test", "labels": LABELS, "corpora": corpora}
    (folder / "test" / "scores.json").write_text(json.dumps(scores))
    found = {"config": f"{arm}{fold}", "commit": "c0ffee", "command": f"emolit test {folder}"}
    found |= {"trained_config": arm, "trained_command": f"emolit fit {arm}", **record}
    (folder / "run.json").write_text(json.dumps(found))


def per_class(lines):
    shares = {}
    for label in LABELS:
        told = [line["answer"] == label for line in lines if line["target"] == label]
        shares[label] = {"recall": sum(told) / len(told), "support": len(told)}
    return shares


def ua(lines):
    truth, told = ([line[key] or "unreadable" for line in lines] for key in ("target", "answer"))
    return balanced_accuracy_score(truth, told)


def all_answers(arm, fold, seed):
    """Other speakers a fold in one corpus; the same ones in every fold of the other."""
    skill = {"sft": 0.3, "grpo": 0.8}[arm]
    speakers = [f"s{fold}{i}" for i in range(6)]
    own = [ord(arm[0]), fold, seed]
    return {
        "held_out": list(answers([1, *own], skill, "held_out", speakers)),
        "untouched": list(answers([2, *own], 0.3, "untouched", ["u1", "u2", "u3"])),
    }


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Finished runs of two arms, two folds and two seeds."""
    stand_in(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    for arm in ("sft", "grpo"):
        for fold in (1, 2):
            for seed in (0, 1):
                folder = tmp_path / "runs" / arm / f"fold{fold}-seed{seed}" / "test"
                leave(folder, arm, fold, seed, all_answers(arm, fold, seed))
    return tmp_path


def collect(tool, name="toy", *more):
    assert tool.main([name, "sweep.yaml", *more]) == 0
    return json.loads(Path(f"docs/results/{name}.json").read_text())


def pick(rows, **wanted):
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def test_there_is_a_row_for_each_run_and_corpus_with_where_it_comes_from(place, tool):
    rows = collect(tool)
    (row,) = pick(rows, arm="grpo", fold=2, seed=1, corpus="held_out")
    assert list(row)[:7] == ["arm", "test", "seed", "fold", "corpus", "split", "n"]
    assert row["UA"] == ua(all_answers("grpo", 2, 1)["held_out"])
    assert (row["n"], row["UA_low"], row["UA_high"]) == (120, 0.1, 0.9)
    recalls = [row[f"recall_{label}"] for label in LABELS]
    assert statistics.fmean(recalls) == pytest.approx(row["UA"])
    assert (row["config"], row["commit"], row["trained_config"]) == ("grpo2", "c0ffee", "grpo")
    assert row["command"] == "emolit test …/test"  # without the folders of a machine
    assert "cropped" not in row
    assert len([row for row in rows if "versus" not in row and type(row["fold"]) is int]) == 16 + 8


def test_a_sweep_is_named_as_one_types_it_here(place, tool):
    assert tool.main(["toy", str(place / "sweep.yaml")]) == 0
    rows = json.loads(Path("docs/results/toy.json").read_text())
    assert {row["command"] for row in pick(rows, fold="pooled")} == {"emolit sweep sweep.yaml"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("fit --data.root /srv/me/corpora", "fit --data.root …/corpora"),
        ('fit --a \'{"b": "/srv/c.csv"}\' --d /', 'fit --a \'{"b": "…/c.csv"}\' --d /'),
        ("fit --a ../b/c.yaml --u http://h/x/y", "fit --a ../b/c.yaml --u http://h/x/y"),
        (None, None),
    ],
)
def test_folders_of_a_machine_are_left_out_of_commands(tool, typed, kept):
    assert tool.without_homes(typed) == kept


def test_folds_are_pooled_over_the_union_of_what_they_held_out(place, tool):
    rows = collect(tool)
    union = [line for fold in (1, 2) for line in all_answers("sft", fold, 0)["held_out"]]
    (row,) = pick(rows, arm="sft", fold="pooled", seed=0, corpus="held_out")
    told = [line["answer"] or "unreadable" for line in union]
    truth = [line["target"] for line in union]
    assert row["n"] == 240
    assert "clips" not in row
    assert row["UA"] == pytest.approx(ua(union))
    assert row["WA"] == pytest.approx(np.mean([a == b for a, b in zip(told, truth, strict=True)]))
    assert row["macro_F1"] == pytest.approx(f1_score(truth, told, average="macro", labels=LABELS))
    assert row["parse_rate"] == pytest.approx(np.mean([word != "unreadable" for word in told]))
    assert row["clusters"] == 12
    assert row["UA_low"] < row["UA"] < row["UA_high"]
    assert row["config"] == "sft1 + sft2"
    (row,) = pick(rows, arm="sft", fold="pooled", seed=0, corpus="untouched")
    assert (row["n"], row["clips"], row["clusters"]) == (120, 60, 3)
    assert row["remark"] == "unreliable: only 3 speakers"


def test_means_over_folds_and_seeds_have_their_deviation_and_no_interval(place, tool):
    rows = collect(tool)
    values = [ua(all_answers("grpo", fold, 1)["held_out"]) for fold in (1, 2)]
    (row,) = pick(rows, arm="grpo", fold="mean", seed=1, corpus="held_out")
    assert row["UA"] == pytest.approx(statistics.fmean(values))
    assert row["UA_sd"] == pytest.approx(statistics.stdev(values))
    assert (row["folds"], row["n"]) == (2, 240)
    assert not any(key.endswith(("_low", "_high")) for key in row)
    pooled = [
        pick(rows, arm="grpo", fold="pooled", seed=seed, corpus="held_out") for seed in (0, 1)
    ]
    (row,) = pick(rows, arm="grpo", fold="pooled", seed="mean", corpus="held_out")
    assert row["UA"] == pytest.approx(statistics.fmean(found[0]["UA"] for found in pooled))
    assert (row["seeds"], row["n"]) == (2, 240)


def test_arms_are_tested_against_each_other_on_pooled_folds(place, tool):
    rows = collect(tool)
    versus = [row for row in rows if "versus" in row]
    assert [(row["seed"], row["corpus"], row["fold"]) for row in versus] == [
        (0, "held_out", "pooled"), (0, "untouched", "pooled"),
        (1, "held_out", "pooled"), (1, "untouched", "pooled"),
    ]  # fmt: skip
    row = versus[0]
    sides = {
        arm: [line for fold in (1, 2) for line in all_answers(arm, fold, 0)["held_out"]]
        for arm in ("sft", "grpo")
    }
    assert row["difference"] == pytest.approx(ua(sides["grpo"]) - ua(sides["sft"]))
    assert 0 < row["difference_low"] < row["difference"] < row["difference_high"]
    right = {arm: [line["answer"] == line["target"] for line in sides[arm]] for arm in sides}
    pairs = list(zip(right["grpo"], right["sft"], strict=True))
    b, c = pairs.count((True, False)), pairs.count((False, True))
    assert row["McNemar_p"] == pytest.approx(stats.binomtest(b, b + c).pvalue)
    assert row["randomization_p"] < 0.01
    assert "McNemar_p" not in versus[1]  # each clip stands there twice
    raw = [row["randomization_p"] for row in versus]
    order = sorted(range(4), key=raw.__getitem__)
    assert versus[order[0]]["randomization_p_holm"] == pytest.approx(min(1, 4 * raw[order[0]]))
    assert all(row["randomization_p"] <= row["randomization_p_holm"] for row in versus)


def test_the_page_says_in_plain_words_what_is_and_is_not_significant(place, tool):
    collect(tool)
    text = Path("docs/results.md").read_text()
    sentences = [line for line in text.splitlines() if line.startswith("- **grpo**")]
    assert "grpo is ahead" in sentences[0]
    assert "folds pooled" in sentences[0]
    assert "not significant" in sentences[1]
    assert "unreliable: only 3 speakers" in sentences[1]
    assert "### held_out, test: over folds or seeds" in text
    assert "±" in text
    assert "- sft: 120 answers of all folds' models to 60 clips" in text
    (row,) = [line for line in text.splitlines() if line.startswith("| sft | 0 | pooled | 120")]
    assert "*" in row
    # single folds stand in the file and not on the page, where they are pooled
    assert "| sft | 0 | 1 |" not in text


def test_an_unfinished_run_is_named_and_its_folds_are_not_pooled(place, tool, capsys):
    (place / "runs/grpo/fold2-seed0/test/run.json").unlink()
    assert tool.main(["toy", "sweep.yaml"]) == 1
    assert "missing: runs/grpo/fold2-seed0/test is not finished" in capsys.readouterr().err
    rows = json.loads(Path("docs/results/toy.json").read_text())
    assert not pick(rows, arm="grpo", seed=0, fold="pooled")
    assert {row["seed"] for row in rows if "versus" in row} == {1}


def test_arms_that_were_tested_on_other_clips_are_not_compared(place, tool, capsys):
    path = place / "runs/grpo/fold2-seed0/test/test/predictions-held_out.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    assert tool.main(["toy", "sweep.yaml"]) == 1
    assert "not to the same clips" in capsys.readouterr().err
    assert not Path("docs/results/toy.json").exists()


def test_rewards_are_compared_where_answers_are_open(place, tool):
    """Captions, lists: no labels; the mean of a reward, by the differences of scipy."""
    values = {}
    for path in sorted((place / "runs").rglob("scores.json")):
        said = json.loads(path.read_text())
        path.write_text(json.dumps(said | {"labels": []}))
    for arm in ("sft", "grpo"):
        lines = [line for fold in (1, 2) for line in all_answers(arm, fold, 0)["held_out"]]
        values[arm] = [line["rewards"]["correct"] for line in lines]
    said = yaml.safe_load(SWEEP)
    said["compare"][0]["metric"] = "correct"
    (place / "sweep.yaml").write_text(yaml.safe_dump(said))
    rows = collect(tool)
    row = pick(rows, versus="sft", seed=0, corpus="held_out")[0]
    assert row["metric"] == "correct"
    assert row["difference"] == pytest.approx(np.mean(values["grpo"]) - np.mean(values["sft"]))
    assert "McNemar_p" not in row
    assert not [row for row in rows if row["fold"] == "pooled" and "versus" not in row]


def test_signatures_alone_make_no_captions(place, tool):
    """Lists of emotion words have signatures too."""
    for path in sorted((place / "runs").rglob("scores.json")):
        said = json.loads(path.read_text()) | {"labels": []}
        for card in said["corpora"].values():
            card["signatures"] = {"F1": "wheelF|lexicon:emolit"}
        path.write_text(json.dumps(said))
    (place / "sweep.yaml").write_text(SWEEP.replace("versus: sft", "versus: sft, metric: correct"))
    rows = collect(tool)
    assert pick(rows, versus="sft", seed=0, corpus="held_out")[0]["metric"] == "correct"
    assert not [key for row in rows for key in row if key.startswith(("BLEU", "emotion_set"))]


@pytest.mark.parametrize("key", ["target", "answer"])
def test_one_line_outside_the_labels_does_not_make_closed_answers_open(place, tool, capsys, key):
    """It would take away UA, its interval and McNemar's p without a word."""
    path = place / "runs/sft/fold1-seed0/test/test/predictions-held_out.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[3][key] = "bored"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert tool.main(["toy", "sweep.yaml"]) == 1
    said = capsys.readouterr().err
    assert "The clip 's10-3' of held_out has the" in said and "'bored'" in said
    assert not Path("docs/results/toy.json").exists()


def blank(path, count):
    """Let a reward not apply to the first clips of a prediction file."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines[:count]:
        line["rewards"]["length"] = None
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_clips_that_a_reward_does_not_apply_to_are_left_out_and_counted(place, tool, capsys):
    """In both arms alike; if an arm differs in them, nothing is compared."""
    (place / "sweep.yaml").write_text(SWEEP.replace("versus: sft", "versus: sft, metric: length"))
    paths = sorted((place / "runs").rglob("fold1-seed0/test/test/predictions-held_out.jsonl"))
    assert len(paths) == 2
    for path in paths:
        blank(path, 7)
    (row,) = pick(collect(tool), versus="sft", seed=0, corpus="held_out")
    assert (row["n"], row["left_out"]) == (240 - 7, 7)
    assert row["difference"] == pytest.approx(0)  # `length` is that of the clip, in both arms
    assert "n 233, 7 left out: +0.000" in Path("docs/results.md").read_text()
    blank(paths[0], 8)
    assert tool.main(["toy", "sweep.yaml"]) == 1
    assert "applies to 2" in capsys.readouterr().err


SAID = {None: None, "angry": "语气很生气", "happy": "十分开心", "sad": "很难过"}


def test_captions_are_compared_by_the_emotions_they_name(place, tool):
    """One emotion a caption, so that precision, recall and F are the share of right ones."""
    right = {}
    for path in sorted((place / "runs").rglob("predictions-*.jsonl")):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        right[path] = [line["answer"] == line["target"] for line in lines]
        for line in lines:
            line |= {"answer": SAID[line["answer"]], "captions": [SAID[line["target"]]]}
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for path in sorted((place / "runs").rglob("scores.json")):
        said = json.loads(path.read_text())
        for card in said["corpora"].values():
            card |= {"BLEU_4": 0.5, "emotion_set_F1": 0.5}
            card["signatures"] = {"BLEU_4": "BLEU_4|tok:zh-char|punct:keep", "emotion_set_F1": ""}
        path.write_text(json.dumps(said | {"labels": []}))
    (place / "sweep.yaml").write_text(
        SWEEP.replace("versus: sft", "versus: sft, metric: emotion_set_F1")
    )
    rows = collect(tool)
    row = pick(rows, versus="sft", seed=0, corpus="held_out")[0]
    runs = [[right[place / f"runs/{arm}/fold{fold}-seed0/test/test/predictions-held_out.jsonl"]
             for fold in (1, 2)] for arm in ("grpo", "sft")]  # fmt: skip
    assert row["difference"] == pytest.approx(np.mean(runs[0]) - np.mean(runs[1]))
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    single = pick(rows, arm="sft", fold=1, seed=0, corpus="held_out", versus=None)[0]
    assert single["emotion_set_F1_low"] < np.mean(runs[1][0]) < single["emotion_set_F1_high"]
    assert (single["clusters"], single["unit"]) == (6, "speakers")
    assert single["BLEU_4_low"] <= single["BLEU_4_high"]


def test_a_metric_that_nobody_has_is_named(place, tool, capsys):
    (place / "sweep.yaml").write_text(SWEEP.replace("versus: sft", "versus: sft, metric: BLEU"))
    assert tool.main(["toy", "sweep.yaml"]) == 1
    assert "have no 'BLEU'; compare one of ['UA'" in capsys.readouterr().err


def test_several_sweeps_that_share_runs_count_them_once(place, tool):
    once = collect(tool)
    (place / "more.yaml").write_text(SWEEP)
    twice = collect(tool, "both", "more.yaml")
    assert len(twice) == len(once)


def test_code_that_is_in_no_commit_is_remarked(place, tool):
    path = place / "runs/sft/fold1-seed0/test/run.json"
    path.write_text(path.read_text().replace("c0ffee", "c0ffee-dirty"))
    assert pick(collect(tool), arm="sft", fold="pooled", seed=0)[0]["commit"] == (
        "c0ffee-dirty + c0ffee"
    )
    assert "- sft: run with changes that are in no commit" in Path("docs/results.md").read_text()


def test_a_checkpoint_that_is_its_start_is_remarked_for_its_fold_and_for_the_pool(place, tool):
    path = place / "runs/sft/fold1-seed0/test/test/scores.json"
    selection = {"monitor": "val/held_out/UA", "mode": "max", "score": 0.5, "step": 0}
    scores = json.loads(path.read_text()) | {"checkpoint": {"path": "best", "selection": selection}}
    path.write_text(json.dumps(scores))
    rows = pick(collect(tool), arm="sft", seed=0, corpus="held_out")
    assert [row["fold"] for row in rows if row.get("start")] == [1, "pooled"]
    page = Path("docs/results.md").read_text()
    assert "- sft, seed 0: a tested checkpoint is the untouched start" in page
    assert " start |" not in page  # it is no score


def test_without_a_name_all_files_are_rendered_again(place, tool):
    collect(tool)
    text = Path("docs/results.md").read_text()
    Path("docs/results.md").write_text("typed by hand")
    assert tool.main([]) == 0
    assert Path("docs/results.md").read_text() == text


def test_a_sweep_without_results_is_refused(place, tool, capsys):
    assert tool.main(["toy", "sweep.yaml", "--root", "nowhere"]) == 1
    assert "No test of these sweeps is finished" in capsys.readouterr().err


def test_the_committed_page_is_the_rendering_of_the_committed_files(tool):
    page = ROOT / "docs" / "results.md"
    if not page.is_file():
        pytest.skip("no results are committed yet")
    assert page.read_text() == tool.page(ROOT / "docs" / "results")


def test_a_corpus_that_lacks_labels_has_rows_of_restricted_options_beside_its_own(place, tool):
    """The answer is the most probable label that some clip has, recomputed by hand."""
    expected = {}
    for path in sorted((place / "runs").rglob("scores.json")):
        said = json.loads(path.read_text())
        file = path.parent / "predictions-untouched.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        lines = [line for line in lines if line["target"] != LABELS[2]]
        random = np.random.default_rng(len(expected))
        for line in lines:
            shares = dict(zip(LABELS, random.dirichlet([1, 1, 3]).tolist(), strict=True))
            line["probabilities"] = {"probability": shares}
            two = [shares[label] for label in LABELS[:2]]
            line["told"] = LABELS[int(np.argmax(two))]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        right = [line["told"] == line["target"] for line in lines]
        expected[str(path.parent.parent)] = np.mean(right)
        card = {"n": len(lines), "UA": 0.5, "recall": {LABELS[0]: 1, LABELS[1]: 0, LABELS[2]: None}}
        said["corpora"]["untouched"]["restricted"] = {"probability": card}
        path.write_text(json.dumps(said))
    rows = collect(tool)
    name = "untouched, options restricted"
    assert pick(rows, corpus=name, arm="sft", fold=1, seed=0)[0]["UA"] == 0.5
    pooled = pick(rows, corpus=name, arm="sft", fold="pooled", seed=0)[0]
    both = [value for key, value in expected.items() if "sft" in key and "seed0" in key]
    assert pooled["WA"] == pytest.approx(np.mean(both))
    assert pick(rows, corpus=name, versus="sft", seed=0)[0]["n"] == pooled["n"]
    assert not pick(rows, corpus="held_out, options restricted")


def test_a_restricted_answer_that_nothing_speaks_for_is_unreadable(tool, tmp_path):
    """As in the test's own scores and in emolit cross, and not the last of the labels."""
    from emolit.commands.cross.cells import ALL, read_row
    from emolit.commands.cross.cells import RESTRICTED as CELLS
    from emolit.commands.results.comparisons import RESTRICTED, pool, read

    labels = ["angry", "happy", "calm", "sad"]
    shares = [{"angry": 0, "happy": 0, "calm": 1, "sad": 0}] * 3 + [
        {"angry": 0.2, "happy": 0.7, "calm": 0, "sad": 0.1}
    ]
    truths = ["angry", "sad", "sad", "sad"]
    lines = [
        {"id": str(index), "speaker": None, "target": truth, "answer": "calm",
         "probabilities": {"probability": share}, "rewards": {}}
        for index, (truth, share) in enumerate(zip(truths, shares, strict=True))
    ]  # fmt: skip
    (tmp_path / "test").mkdir()
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "test" / "predictions-toy.jsonl").write_text(text)
    scores = {"labels": labels, "corpora": {"toy": {"n": 4}}}
    (tmp_path / "test" / "scores.json").write_text(json.dumps(scores))
    answers = read({1: tmp_path}, f"toy{RESTRICTED}")
    told = [line["answer"] for line in answers.lines]
    assert told == [None, None, None, "angry"]
    row = pool(answers)
    assert (row["UA"], row["WA"], row["parse_rate"]) == (0.0, 0.0, 0.25)
    cells = read_row("toy", tmp_path / "test").columns["toy"]
    assert cells.answers[CELLS] == (-1, -1, -1, 0)
    assert cells.answers[ALL] == (2, 2, 2, 2)


@pytest.mark.parametrize(
    ("metric", "scores", "expected"),
    [
        ("UA", (0.5, 0.25), "UA"),
        ("emotion_set_F1", (0.5, 0.25), "emotion set F1"),
        ("wheel_f1", (0.5, 0.25 + 1e-8), "sample F1"),
        # with a slack, another ring or another measure the reward is no score of the tables
        ("wheel_f1", (0.5, 0.3), "mean of the reward wheel_f1"),
        ("wheel_f1", (), "mean of the reward wheel_f1"),
        ("length", (0.5, 0.25), "mean of the reward length"),
    ],
)
def test_a_comparison_names_the_score_that_it_compares(tool, metric, scores, expected):
    from emolit.commands.results.page import name_comparison

    where = {"test": "test", "seed": 0, "fold": None, "corpus": "toy"}
    arms = zip(("grpo", "sft"), scores, strict=False)
    rows = [{"arm": arm, **where, "sample_F1": score} for arm, score in arms]
    rows += [{**row, "seed": 1, "sample_F1": 0.9} for row in rows]
    row = {"arm": "grpo", "versus": "sft", **where, "metric": metric, "difference": 0.25}
    assert name_comparison(row, rows) == expected
