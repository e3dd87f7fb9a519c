"""Agreement of judges with people: against counts by hand, sklearn, and the real preferences."""

import csv
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from sklearn.metrics import f1_score

from tests.fakes.endpoint import Reply, served

pytest.importorskip("openai", reason="needs openai: pip install 'emolit[judge]'")

SCRIPT = Path(__file__).parents[2] / "tools" / "preference.py"
JUDGE = ["--judge", "Preference", "--judge.init_args.endpoint.model", "tiny",
         "--judge.init_args.comparison", "{first} or {second}"]  # fmt: skip
ROWS = [
    ("x", "He is sad, tired and angry.", 'She, "calm".', "a1"),
    ("y", "Happy!", "A voice that rises at the end.", "a2"),
    ("y", "Happy, proud, glad.", "A voice that rises at the very end.", "a1"),
    ("z", "long but wrong", "angry", "a2"),
    ("u", "Neutral, slow words", "Neutral", "same"),
    ("v", "He, sad", "She sad", "a1"),
]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tools_preference", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def server(monkeypatch):
    with served(monkeypatch) as made:
        made.says = lambda content: longer(*content.split(" or "))
        yield made


def longer(first: str, second: str) -> str:
    return "tie" if len(first) == len(second) else "1" if len(first) > len(second) else "2"


def write(path: Path, rows=ROWS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("name", "a1", "a2", "preference"), *rows])
    return path


def found(tool: ModuleType, folder: Path, *arguments: str, rows=ROWS) -> list[dict]:
    out = folder / "out.json"
    file = write(folder / "pairs.csv", rows)
    assert tool.main([str(file), "--out", str(out), *arguments]) == 0
    return json.loads(out.read_text())


def test_what_needs_no_judge_is_counted_by_hand(tool, tmp_path, capsys):
    length, emotions = found(tool, tmp_path)
    assert (length["judge"], length["n"]) == ("longer", 5)
    assert length["agreement"] == (1 + 1 + 0 + 0 + 0.5) / 5
    assert (length["decided"], length["agreement_decided"], length["ties"]) == (4, 0.5, 1)
    assert (length["same_found"], length["contradictions"], length["not_judged"]) == (0, None, 0)
    assert emotions["agreement"] == (1 + 0 + 1 + 1 + 0.5) / 5
    assert emotions["same_found"] == 1
    interval = length["agreement_interval"]
    assert (interval["unit"], interval["clusters"]) == ("clips", 4)  # y counts once, u is a tie
    assert interval["low"] <= 0.5 <= interval["high"]
    assert "6 pairs; in 1 people prefer neither" in " ".join(capsys.readouterr().out.split())


def test_a_judge_is_asked_by_the_reward_itself(tool, server, tmp_path):
    length, _, judge = found(tool, tmp_path, *JUDGE)
    assert judge == {**length, "judge": "tiny", "contradictions": 0}
    assert len(server.asked) == 12


def test_a_judge_that_likes_a_place_agrees_by_halves(tool, server, tmp_path):
    server.says = lambda content: "1"
    judge = found(tool, tmp_path, *JUDGE)[-1]
    assert (judge["agreement"], judge["ties"], judge["contradictions"]) == (0.5, 5, 6)
    assert (judge["decided"], judge["agreement_decided"], judge["weighted_F1"]) == (0, None, 0.0)


def test_what_was_not_judged_is_counted_and_not_a_zero(tool, server, tmp_path):
    server.says = lambda content: "?" if "rises" in content else longer(*content.split(" or "))
    skip = ["--judge.init_args.guard", "{on_error: skip}"]
    with pytest.warns(UserWarning, match="none of 1, 2 and tie"):
        judge = found(tool, tmp_path, *JUDGE, *skip)[-1]
    assert (judge["n"], judge["not_judged"], judge["agreement"]) == (3, 2, 0.5)
    server.says = lambda content: "?"
    with pytest.warns(UserWarning, match="none of 1, 2 and tie"):
        judge = found(tool, tmp_path, *JUDGE, *skip)[-1]
    assert (judge["n"], judge["not_judged"], judge["agreement"]) == (0, 6, None)


@pytest.mark.parametrize(
    ("rows", "arguments", "words"),
    [
        ([("x", "a", "b", "a3")], [], r"row 2: the preference is 'a3'. Write one of a1, a2, same"),
        ([("x", "a", "", "a1")], [], "row 2: 'a2' is empty"),
        (ROWS, [*JUDGE, "--judge.init_args.hears", "true"], "holds no audio"),
        (ROWS, [*JUDGE[:-2], "--judge.init_args.comparison", "{first}"], "lacks {second}"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(
    tool, server, tmp_path, capsys, rows, arguments, words
):
    assert tool.main([str(write(tmp_path / "pairs.csv", rows)), *arguments]) == 1
    assert words in capsys.readouterr().err


def test_a_judge_that_fails_and_one_without_address_stop(
    tool, server, tmp_path, capsys, monkeypatch
):
    file = str(write(tmp_path / "pairs.csv"))
    server.replies = [Reply(401, "who are you")]
    assert tool.main([file, *JUDGE]) == 1
    assert "401: who are you" in capsys.readouterr().err
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert tool.main([file, *JUDGE]) == 1
    assert "set OPENAI_BASE_URL" in capsys.readouterr().err


def test_on_the_real_preferences_length_alone_agrees_with_people(tool, shared, tmp_path):
    path = shared / "annotations" / "emoprefer" / "preference_emoprefer.csv"
    out = tmp_path / "out.json"
    assert tool.main([str(path), "--out", str(out)]) == 0
    length = json.loads(out.read_text())[0]
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["preference"] != "same"]
    said = ["a1" if len(row["a1"].strip()) > len(row["a2"].strip()) else "a2" for row in rows]
    people = [row["preference"] for row in rows]
    agreed = sum(one == other for one, other in zip(said, people, strict=True))
    assert (length["n"], len(rows), length["ties"]) == (563, 563, 0)
    assert length["agreement"] == pytest.approx(agreed / 563)
    assert length["weighted_F1"] == pytest.approx(f1_score(people, said, average="weighted"))
    assert length["agreement"] > 0.75


def test_on_the_real_preferences_length_and_describer_are_one(tool, shared):
    """So that agreement of the longer description says nothing of length itself."""
    pairs = tool.read(shared / "annotations" / "emoprefer" / "preference_emoprefer.csv")
    described = [["In the text" in text[:40] for text in pair.texts] for pair in pairs]
    assert all(sum(found) == 1 for found in described)
    longer = [tool.preferring(len, pair) for pair in pairs]
    pairs = zip(longer, described, strict=True)
    assert sum(value == first for value, (first, _) in pairs) == 573
