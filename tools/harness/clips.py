"""What lmms-eval runs of a task: copied beside it, so it imports nothing of emolit."""

import re
from typing import Any

import soundfile

ANSWER = re.compile(r"<answer>(.*?)(?:</answer>|$)", re.DOTALL)


def read_sound(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sound of a row as the harness's models take it."""
    samples, rate = soundfile.read(row["audio"], dtype="float32")
    return [{"array": samples, "sampling_rate": rate}]


def score(row: dict[str, Any], responses: list[str]) -> dict[str, float]:
    """Return whether the answer is the label, word for word; a reply without tags is one."""
    found = ANSWER.search(responses[0])
    answer = found[1] if found else responses[0]
    return {"accuracy": float(answer.strip().lower() == row["label"].lower())}
