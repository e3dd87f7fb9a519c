import json
import warnings
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from lightning.pytorch import Trainer

from emolit.callbacks.rollout_journal import RolloutJournal, page, table
from emolit.types import Clip
from tests.callbacks.tiny import Loader, Told, batch_of, events, rollout, tone, trainer

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the html5lib inside TensorBoard
    from tensorboard.plugin_util import markdown_to_safe_html

pytestmark = pytest.mark.filterwarnings("ignore:You defined a `validation_step`")  # not needed here

SCORED = rollout(
    [["<think>low|*slow*</think>\n<answer>sad</answer>", "# no"], ["<answer>happy</answer>", ""]],
    [["sad", None], ["happy", None]],
)


class Cells(HTMLParser):
    """The texts of the table cells of a page, row by row, as a browser shows them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def shown(markdown: str) -> list[list[str]]:
    cells = Cells()
    cells.feed(markdown_to_safe_html(markdown))
    return cells.rows


def steps(folder: Path, batches: int, journal: RolloutJournal, module: Told) -> list[int]:
    loader = Loader(*[batch_of()] * batches)
    run = trainer(folder, journal, accumulate_grad_batches=2)
    run.fit(module, loader)
    board = events(folder)
    tag = "rollouts/0/text_summary"
    return [e.step for e in board.Tensors(tag)] if tag in board.Tags()["tensors"] else []


def test_the_table_shows_every_response_with_answer_rewards_and_advantage():
    assert shown(page(SCORED, 0)) == [
        ["response", "answer", "correct", "well_formed", "total", "advantage"],
        ["<think>low|*slow*</think>⏎<answer>sad</answer>", "sad", "-", "0.125", "0.750", "-1.500"],
        ["# no", "unreadable", "1.000", "0.125", "0.750", "-1.500"],
    ]


@given(st.lists(st.text(st.characters(exclude_categories=("C", "Z"))), min_size=4, max_size=4))
def test_no_response_can_break_the_table_or_hide_a_character(cells: list[str]):
    assert shown(table(["a", "b"], [cells[:2], cells[2:]])) == [["a", "b"], cells[:2], cells[2:]]


@pytest.mark.parametrize(
    ("every", "wanted"),
    [(1, [0, 1, 2, 3, 4, 5]), (2, [0, 2, 4]), (50, [0])],
)
def test_an_entry_comes_every_n_optimizer_steps(tmp_path: Path, every: int, wanted: list[int]):
    # ten batches, two a step: an entry must not repeat inside an accumulation window
    found = steps(tmp_path, 10, RolloutJournal(every), Told({}, scored=SCORED))
    assert found == wanted


def test_the_audio_is_the_clip_that_was_answered(tmp_path: Path):
    steps(tmp_path, 2, RolloutJournal(clips=5), Told({}, scored=SCORED))
    board = events(tmp_path)
    assert sorted(board.Tags()["audio"]) == ["rollouts/0", "rollouts/1"]
    for index in range(2):
        encoded = board.Audio(f"rollouts/{index}")[0].encoded_audio_string
        samples, rate = soundfile.read(BytesIO(encoded))
        assert rate == 16_000
        np.testing.assert_allclose(samples, tone(index).numpy(), atol=1e-4)
        text = board.Tensors(f"rollouts/{index}/text_summary")[0].tensor_proto.string_val[0]
        assert f"clip {index}" in text.decode()


def test_a_task_without_rollouts_writes_nothing(tmp_path: Path):
    assert steps(tmp_path, 2, RolloutJournal(1), Told({})) == []


def test_the_file_holds_all_clips_of_the_same_steps(tmp_path: Path):
    shown = steps(tmp_path, 10, RolloutJournal(2, clips=1), Told({}, scored=SCORED))
    rows = [json.loads(line) for line in (tmp_path / "rollouts.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [step for step in shown for _ in range(2)]
    assert [row["clip"] for row in rows[:2]] == ["clip 0", "clip 1"]


@pytest.mark.filterwarnings("ignore:You're resuming from a checkpoint")  # its loader begins anew
@pytest.mark.parametrize(("every", "wanted"), [(1, [0, 1, 2, 3, 4]), (2, [0, 2, 4])])
def test_a_resumed_run_writes_no_step_twice(tmp_path: Path, every: int, wanted: list[int]):
    """Steps of two batches; the second run begins with a batch of the step that the first had."""

    def fit(start: Path | None = None, **settings: int) -> Trainer:
        run = trainer(tmp_path, RolloutJournal(every), accumulate_grad_batches=2, **settings)
        run.fit(Told({}, scored=SCORED), Loader(*[batch_of()] * 8), ckpt_path=start)
        return run

    fit(max_steps=3).save_checkpoint(tmp_path / "last.ckpt")
    fit(tmp_path / "last.ckpt", max_epochs=2, max_steps=4)
    lines = (tmp_path / "rollouts.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines[::2]] == wanted
    assert len(lines) == 2 * len(wanted)


@pytest.mark.parametrize("console", [False, True])
def test_a_sample_is_printed_only_if_it_is_asked_for(tmp_path: Path, capsys, console):
    steps(tmp_path, 2, RolloutJournal(console=console), Told({}, scored=SCORED))
    told = capsys.readouterr().out
    assert ("clip 0 of one, target sad: advantage, reward, answer, response" in told) is console
    assert ("  -1.500  0.750  unreadable: # no\n" in told) is console


def test_the_answers_of_a_validation_are_shown_by_corpus(tmp_path: Path):
    clips = (Clip("a", "one", "a.wav", "sad"), Clip("b", "two", "b.wav", "angry"))
    told = Told({"a": ("<answer>sad</answer>", "sad"), "b": ("?", None)}, ("one", "two"))
    run = trainer(tmp_path, RolloutJournal())
    run.fit(told, Loader(batch_of(*clips)), Loader(batch_of(*clips)))
    board = events(tmp_path)
    found = board.Tensors("val/two/answers/text_summary")[0].tensor_proto.string_val[0].decode()
    assert shown(found) == [
        ["clip", "target", "response", "answer"],
        ["b", "angry", "?", "unreadable"],
    ]
    assert "rollouts/0" not in board.Tags()["audio"]
