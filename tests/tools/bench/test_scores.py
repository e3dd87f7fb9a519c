"""What scores cost is printed for every lexicon and for captions."""

from tools.bench import scores


def test_there_is_a_line_for_each_cost(capsys, shared):
    forms = shared / "reference" / "emotion_wheel_mer2026" / "format.csv"
    tables = shared / "reference" / "emotion_wheel"
    scores.main(["--pairs", "20", "--tables", str(tables), "--forms", str(forms)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:6]] == [
        f"{name} lexicon, {what}"
        for name in ("own", "released")
        for what in ("loading", "20 pairs of lists", "a response as a reward")
    ]
    assert lines[6].startswith("20 captions: BLEU")
    assert all(line.endswith((" s", " us")) for line in lines)
