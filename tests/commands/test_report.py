"""The page about runs, read by a parser and by a browser: true, escaped, whole, offline."""

import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
import soundfile
import yaml
from torch.utils.tensorboard import SummaryWriter

from emolit.callbacks.prediction_writer import PredictionWriter
from emolit.callbacks.report import Report
from emolit.commands.report import main
from emolit.commands.report.charts import MOST, draw
from emolit.corpora.synthetic import Synthetic
from emolit.statistics.significance import mcnemar, randomization
from tests.browser import open_tab
from tests.callbacks.tiny import LABELS, Loader, Told, batch_of, trainer

EVIL = "<script>alert(1)</script>"
VOID = ("meta", "br", "link", "rect", "circle")


class Page(HTMLParser):
    """What a reader sees: tables by the heading above them, and whatever the page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.heading = ""
        self.tables: dict[str, list[list[str]]] = {}
        self.texts: list[str] = []
        self.loaded: list[str] = []
        self.sounds: list[str] = []
        self.charts: dict[str, list[str]] = {}
        self.tags: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.loaded += [given[name] for name in ("src", "href", "data", "action") if name in given]
        if tag == "audio":
            self.sounds.append(given["src"])
        if tag in ("h2", "h3"):
            self.heading = ""
        if tag == "tr":
            self.tables.setdefault(self.heading, []).append([])
        if tag in ("td", "th"):
            self.tables[self.heading][-1].append("")
        if tag == "svg":
            self.charts[given["aria-label"]] = []
        if tag == "polyline":
            [*self.charts.values()][-1].append(given["points"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"h2", "h3"} & {*self.open}:
            self.heading += data
        if {"td", "th"} & {*self.open}:
            self.tables[self.heading][-1][-1] += data
        self.texts.append(data)


def leave_run(folder: Path, root: Path, step: int) -> Path:
    """Write what a ``fit`` and a ``test`` leave: every fourth answer is unreadable or wrong."""
    corpus = Synthetic(
        root=str(root), train_speakers=1, val_speakers=0, test_speakers=3, clips_per_speaker=4
    )
    corpus.prepare_data()
    clips = [clip for clip in corpus.read(corpus.location) if clip.label in LABELS]
    replies: dict[str, tuple[str, str | None]] = {}
    for index, clip in enumerate(clips):
        wrong = (index + step) % 4 == 0
        unread = wrong and index < 4
        answer = None if unread else LABELS[0] if wrong else str(clip.label)
        replies[clip.id] = (EVIL if unread else f"<answer>{answer}</answer>", answer)
    module = Told(replies, ("synthetic",))
    trainer(folder, Report(resamples=20), PredictionWriter(), logger=False).test(
        module, Loader(batch_of(*clips)), verbose=False
    )
    settings = {
        "root": str(root), "train_speakers": 1, "val_speakers": 0, "test_speakers": 3,
        "clips_per_speaker": 4,
    }  # fmt: skip
    model = {
        "class_path": "emolit.tasks.sft.SupervisedFinetuning",
        "init_args": {"policy": {"class_path": "Nano", "init_args": {"checkpoint": None}}},
    }
    for number, more in enumerate([{}, {"verbose": False}]):
        place = folder / ("fit", "test")[number]
        with SummaryWriter(str(place)) as board:
            for at in range(3) if not number else ():
                board.add_scalar("train/loss", 4 - at - step, at * 10)
        config = {
            "seed_everything": 40 + step,
            "trainer": {},
            "model": model,
            "data": {"class_path": "emolit.corpora.synthetic.Synthetic", "init_args": settings},
            "prompt": {"class_path": "Direct", "init_args": {"question": EVIL}},
        }
        (place / "config.yaml").write_text(yaml.safe_dump({**config, **more}))
    fit = {"seconds": 5.0, "steps": 20, "monitor": "val/synthetic/UA", "best_score": None}
    (folder / "fit.json").write_text(json.dumps(fit))
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOLIT_CACHE", str(folder / "cache"))
        patch.setenv("PL_GLOBAL_SEED", "0")
        for step, name in enumerate(("sft", "grpo")):
            leave_run(folder / name, folder / "data", step)
    return folder


@pytest.fixture(scope="module")
def page(place):
    out = place / "report.html"
    assert main([str(place / "sft"), f"a<b={place / 'grpo'}", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def read(page):
    return Page(page.read_text(encoding="utf-8"))


def scores_of(run: Path) -> dict:
    return json.loads((run / "test" / "scores.json").read_text())["corpora"]["synthetic"]


def test_the_scores_are_those_of_the_files(place, read):
    header, *rows = read.tables["Scores"]
    for run, row in zip((place / "sft", place / "grpo"), rows, strict=True):
        found, cells = scores_of(run), dict(zip(header, row, strict=True))
        assert (cells["n"], cells["UA"], cells["parse rate"]) == (
            str(found["n"]),
            f"{found['UA']:.3f}",
            f"{found['parse_rate']:.3f}",
        )
        low, high = found["UA_interval"]["low"], found["UA_interval"]["high"]
        assert cells["95% interval"].rstrip("*") == f"{low:.3f}-{high:.3f}"
    assert [row[0] for row in rows] == ["sft", "a<b"]
    by_label = read.tables["a<b, synthetic by label"]
    assert by_label[1][2] == f"{scores_of(place / 'grpo')['per_class']['angry']['recall']:.3f}"


def test_the_tests_are_those_of_the_answers_in_the_files(place, read):
    sides = []
    for run in ("sft", "grpo"):
        text = (place / run / "test" / "predictions-synthetic.jsonl").read_text()
        sides.append([json.loads(line) for line in text.splitlines()])
    codes = [
        [-1 if line["answer"] is None else LABELS.index(line["answer"]) for line in side]
        for side in sides
    ]
    truth = [LABELS.index(line["target"]) for line in sides[0]]
    right = [[a == t for a, t in zip(side, truth, strict=True)] for side in codes]

    def recall(counts):
        hits = counts[..., range(3), range(3)]
        return (hits / counts.sum(-1)).mean(-1)

    speakers = [line["speaker"] for line in sides[0]]
    expected = randomization(codes[1], codes[0], truth, speakers, recall)
    (row,) = read.tables["Tests between runs"][1:]
    assert row[:4] == ["a<b - sft", "synthetic", "UA", str(len(truth))]
    assert float(row[4]) == pytest.approx(
        scores_of(place / "grpo")["UA"] - scores_of(place / "sft")["UA"], abs=6e-4
    )
    assert row[6] == f"{expected:.3f}"
    assert row[8] == f"{mcnemar(right[1], right[0]):.3f}"


def test_the_confusion_is_that_of_the_file(place, read):
    found = scores_of(place / "grpo")["confusion"]
    header, *rows = read.tables["a<b on synthetic"]
    assert header == ["truth", *LABELS, "unreadable"]
    for label, counts, row in zip(LABELS, found, rows, strict=True):
        assert row[0] == label
        assert [int(cell.split("\n")[0]) for cell in row[1:]] == counts


def test_the_training_is_that_of_the_config(read):
    assert ["seed", "41"] in read.tables["a<b"]
    assert ["question", EVIL] in read.tables["sft"]
    assert ["optimizer steps", "20"] in read.tables["sft"]


def test_the_curves_of_both_runs_lie_over_each_other(read):
    assert [*read.charts] == ["train/loss"]
    first, second = read.charts["train/loss"]  # 4, 3, 2 and 3, 2, 1: the least is 1, the most 4
    assert first == "0,0 160,53.33 320,106.7"
    assert second == "0,53.33 160,106.7 320,160"


def test_nothing_in_a_text_is_markup_and_nothing_comes_from_outside(page, read):
    text = page.read_text(encoding="utf-8")
    assert EVIL not in text and "script" not in read.tags
    assert "".join(read.texts).count(EVIL) >= 3  # two questions and a reply, as they are
    assert read.sounds and all(link.startswith("data:") for link in read.loaded)
    assert not re.search(r"""(?:url\(|@import|=\s*["']?)\s*["']?(?:https?:)?//""", text)


def test_each_kind_of_answer_is_there_and_can_be_heard(place, read):
    header, *rows = read.tables["synthetic"]
    assert header == ["clip", "truth", "sft", "a<b"]
    said = [row[3] for row in rows]
    assert any(text.startswith("unreadable") and EVIL in text for text in said)
    lines = (place / "grpo" / "test" / "predictions-synthetic.jsonl").read_text().splitlines()
    known = {line["id"]: line for line in map(json.loads, lines)}
    for clip, truth, _, answer in rows:
        line = known[clip.split("speaker")[0].strip()]
        assert truth == line["target"]
        assert answer.startswith(line["answer"] or "unreadable") and line["response"] in answer
    assert len(read.sounds) == 6
    sound = base64.b64decode(read.sounds[0].removeprefix("data:audio/flac;base64,"))
    samples, rate = soundfile.read(io.BytesIO(sound))
    (path,) = place.glob(f"data/*/**/{rows[0][0].split('speaker')[0].strip()}.wav")
    truth, _ = soundfile.read(path)
    assert rate == 16_000 and abs(samples - truth).max() < 1e-4


def test_the_same_runs_always_make_the_same_page(place, page):
    again = place / "again.html"
    assert main([str(place / "sft"), f"a<b={place / 'grpo'}", "--out", str(again)]) == 0
    assert again.read_text() == page.read_text()


def test_a_run_without_test_curves_or_audio_gets_sentences(place, tmp_path, capsys):
    shutil.copytree(place / "sft", tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "test")
    for path in (tmp_path / "bare").rglob("events*"):
        path.unlink()
    out = tmp_path / "report.html"
    assert main([str(tmp_path / "bare"), "--out", str(out)]) == 0
    text = "".join(Page(out.read_text()).texts)
    assert "bare was not tested: there is no test/scores.json." in text
    assert "bare has logged no curves to a file." in text
    assert "There are no two runs that were tested on the same corpus." in text
    assert "No answers are on record" in text
    shutil.copytree(place / "sft", tmp_path / "quiet")
    for path in tmp_path.glob("quiet/*/config.yaml"):
        path.write_text(path.read_text().replace(str(place / "data"), str(tmp_path / "gone")))
    assert main([str(tmp_path / "quiet"), "--out", str(out)]) == 0
    read = Page(out.read_text())
    assert not read.sounds and "The audio of synthetic is not in" in "".join(read.texts)
    assert not (tmp_path / "gone").exists()  # nothing is made to be heard
    assert main([str(tmp_path / "quiet"), "--out", str(out), "--audio", "0"]) == 0
    assert "audio of synthetic" not in out.read_text()


def test_a_test_in_a_folder_of_its_own_is_shown_with_its_training(place, tmp_path):
    (tmp_path / "test").mkdir()
    scores = json.loads((place / "sft" / "test" / "scores.json").read_text())
    scores["checkpoint"] = {"path": str(place / "sft" / "best"), "selection": None}
    (tmp_path / "test" / "scores.json").write_text(json.dumps(scores))
    (place / "sft" / "best").mkdir(exist_ok=True)
    assert main([str(tmp_path), "--out", str(tmp_path / "report.html")]) == 0
    read = Page((tmp_path / "report.html").read_text())
    assert ["seed", "40"] in read.tables[tmp_path.name]
    assert "The predictions of synthetic are not there" in "".join(read.texts)


def test_open_answers_have_their_scores(tmp_path):
    (tmp_path / "test").mkdir()
    entry = {"n": 2, "sample_F1": 0.25, "cropped": 0, "by_wheel": {"geneva": {"F1": 0.5}}}
    scores = {"seed": 0, "split": "test", "labels": [], "corpora": {"emer": entry}}
    (tmp_path / "test" / "scores.json").write_text(json.dumps(scores))
    line = {"id": "a", "speaker": None, "target": "sad", "response": "x", "answer": ["sad", "shy"]}
    (tmp_path / "test" / "predictions-emer.jsonl").write_text(json.dumps(line) + "\n")
    assert main([f"open={tmp_path}", "--out", str(tmp_path / "report.html")]) == 0
    read = Page((tmp_path / "report.html").read_text())
    assert read.tables["Scores, open, test"] == [
        ["corpus", "n", "sample F1"],
        ["emer", "2", "0.250"],
    ]
    assert read.tables["open, emer, by_wheel"][1] == ["geneva", "0.500"]
    assert read.tables["emer"][1][2] == "sad, shyx"


def test_runs_on_other_clips_are_not_compared_and_the_page_says_why(place, tmp_path):
    shutil.copytree(place / "grpo", tmp_path / "other")
    path = tmp_path / "other" / "test" / "predictions-synthetic.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[1:]) + "\n")
    out = tmp_path / "report.html"
    assert main([str(place / "sft"), str(tmp_path / "other"), "--out", str(out)]) == 0
    text = "".join(Page(out.read_text()).texts)
    assert "other and sft are not compared on synthetic: " in text


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (["PLACE/away"], "looked for the folder"),
        (["PLACE/data"], "holds no run"),
        (["PLACE/sft", "sft=PLACE/grpo"], "Two runs are called 'sft'"),
    ],
)
def test_what_is_no_run_is_a_sentence(place, tmp_path, capsys, runs, said):
    given = [text.replace("PLACE", str(place)) for text in runs]
    assert main([*given, "--out", str(tmp_path / "report.html")]) == 1
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_long_curve_is_thinned_out_and_keeps_its_end():
    points = [(step, float(step)) for step in range(10 * MOST)]
    (line,) = draw("train/loss", {"a": {"train/loss": points}, "b": {}}).lines
    places = line.points.split()
    assert len(places) == MOST and places[-1] == "320,0"


def test_a_browser_shows_the_page_without_an_error_and_plays_its_sound(page):
    said, asked = [], []
    with open_tab() as tab:
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(page.as_uri())
        assert tab.locator("svg polyline").count() == 2
        assert tab.locator("h2").all_inner_texts()[0] == "Training"
        seconds = tab.evaluate(
            "() => new Promise((done, failed) => { const it = document.querySelector('audio');"
            "it.onloadedmetadata = () => done(it.duration); it.onerror = () => failed('no sound');"
            "it.load(); })"
        )
    assert seconds > 0.2
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
