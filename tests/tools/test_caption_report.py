"""The page of captions, read by a parser: whole, escaped, and with nothing from outside."""

import base64
import importlib.util
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
import soundfile

from emolit.corpora.secap import SECap
from tests.fakes.secap import write_secap

SCRIPT = Path(__file__).parents[2] / "tools" / "caption_report.py"
pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has")


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("tools_caption_report", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def clips(tmp_path):
    write_secap(tmp_path)
    corpus = SECap(root=str(tmp_path), speaker_independent=False)
    corpus.setup()
    return corpus.clips("test")


def predicted(folder, rows):
    """Write the predictions of a run, each row clip and answer."""
    (folder / "test").mkdir(parents=True)
    lines = [
        json.dumps({"id": clip.id, "corpus": "secap", "response": "a <b>\n", "answer": answer})
        for clip, answer in rows
    ]
    (folder / "test" / "predictions-secap.jsonl").write_text("\n".join(lines) + "\n")
    return folder


class Page(HTMLParser):
    """Remembers tags, their attributes and texts; every tag must be closed where it belongs."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.sounds, self.links = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.links += [v for k, v in given.items() if k in ("src", "href")]
        if tag == "audio":
            self.sounds.append(given["src"])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & {*self.open}:
            self.rows[-1][-1] += data


def report(tool, tmp_path, *options):
    node = ["--data", "SECap", "--data.root", str(tmp_path), "--data.speaker_independent", "false"]
    return tool.main([*node, "--out", str(tmp_path / "page.html"), *map(str, options)])


def test_clips_stand_side_by_side_with_their_sound(tool, tmp_path, clips, capsys):
    sft = predicted(tmp_path / "sft", [(clip, f"<i>{clip.id}&") for clip in clips])
    grpo = predicted(tmp_path / "grpo", [(clip, None) for clip in clips])
    assert report(tool, tmp_path, "--runs", f"sft={sft}", f"a<b={grpo}", "--clips", 4) == 0
    assert "page.html: 4 clips, 2 runs" in capsys.readouterr().out
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.rows[0] == ["clip", "references", "sft", "a<b"]
    assert len(page.rows) == 5 and len(page.sounds) == 4
    known = {clip.id: clip for clip in clips}
    for heard, references, one, other in page.rows[1:]:
        clip = known[one.removeprefix("<i>").removesuffix("&")]
        assert heard == clip.id + clip.transcript
        assert references == clip.captions[0]
        assert other == r"unreadable: 'a <b>\n'"
    assert page.links == page.sounds and all(link.startswith("data:") for link in page.links)
    sound = base64.b64decode(page.sounds[0].removeprefix("data:audio/flac;base64,"))
    samples, rate = soundfile.read(io.BytesIO(sound))
    assert (len(samples), rate) == (800, 16_000)


def test_only_clips_of_all_runs_are_drawn_always_the_same(tool, tmp_path, clips):
    one = predicted(tmp_path / "one", [(clip, "x") for clip in clips[:3]])
    two = predicted(tmp_path / "two", [(clip, "y") for clip in clips[2:]])
    assert report(tool, tmp_path, "--runs", f"one={one}", f"two={two}") == 0
    first = (tmp_path / "page.html").read_text()
    assert len(Page(first).rows) == 2 and clips[2].id in first
    assert report(tool, tmp_path, "--runs", f"one={one}", f"two={two}") == 0
    assert (tmp_path / "page.html").read_text() == first


def test_what_is_missing_is_a_sentence(tool, tmp_path, clips, capsys):
    one = predicted(tmp_path / "one", [(clips[0], "x")])
    two = predicted(tmp_path / "two", [(clips[1], "y")])
    assert report(tool, tmp_path, "--runs", f"one={one}", f"two={two}") == 1
    assert (
        "test clips stands in the predictions of all runs ['one', 'two']" in capsys.readouterr().err
    )
    assert report(tool, tmp_path, "--runs", f"one={tmp_path}") == 1
    assert "looked for" in capsys.readouterr().err
    assert report(tool, tmp_path, "--runs", "one") == 1
    assert "write NAME=FOLDER" in capsys.readouterr().err
