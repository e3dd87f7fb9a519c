"""The costs of additions to GRPO are measured side by side."""

import json

from tools.bench import terms


def test_every_side_is_timed_beside_the_plain_step(tmp_path, capsys):
    target = tmp_path / "terms.json"
    given = ["--steps", "1", "--group", "2", "--clips", "2", "--tokens", "3", "--seconds", "1"]
    assert terms.main([*given, "--target", str(target)]) == 0
    rows = json.loads(target.read_text())["rows"]
    assert rows["GRPO"]["ratio"] == 1.0
    assert {"with CHORD", "with LUFFY", "with HPT", "imitation"} < rows.keys()
    assert all(row["seconds"] > 0 for row in rows.values())
    assert "what a step costs" in capsys.readouterr().out
