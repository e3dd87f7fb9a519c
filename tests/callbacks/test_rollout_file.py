"""Rollouts on disk: what a line holds, and which lines a start that failed leaves."""

import json

import pytest

from emolit.callbacks.rollout_file import RolloutFile
from tests.callbacks.tiny import rollout

SCORED = rollout(
    [["<answer>sad</answer>", "# no"], ["a\u2028b", ""]], [["sad", None], [None, None]]
)


def lines(file):
    return [json.loads(line) for line in file.path.read_text(encoding="utf-8").splitlines()]


def test_a_line_holds_a_clip_with_all_its_responses(tmp_path):
    file = RolloutFile(tmp_path / "run" / "rollouts.jsonl")
    file.add(SCORED, 50)
    first, second = lines(file)
    assert first == {
        "step": 50,
        "corpus": "one",
        "clip": "clip 0",
        "path": "a.wav",
        "question": "Which emotion?",
        "target": "sad",
        "responses": ["<answer>sad</answer>", "# no"],
        "answers": ["sad", None],
        "rewards": {"correct": [None, 1.0], "well_formed": [0.125, 0.125]},
        "totals": [0.75, 0.75],
        "advantages": [-1.5, -1.5],
    }
    assert second["responses"] == ["a\u2028b", ""]


@pytest.mark.parametrize(("start", "kept"), [(0, []), (2, [1, 2]), (9, [1, 2, 3])])
def test_a_run_goes_on_where_it_stopped(tmp_path, start, kept):
    file = RolloutFile(tmp_path / "rollouts.jsonl")
    assert file.begin(start) is None
    assert not file.path.exists()
    for step in (1, 2, 3):
        file.add(SCORED, step)
    with file.path.open("a") as broken:
        broken.write('{"step": 3, "cor')  # killed while it wrote
    assert file.begin(start) == max(kept, default=None)
    assert sorted({line["step"] for line in lines(file)}) == kept
