"""What chose weights is said; `tests/callbacks/test_adapter_checkpoint.py` has it written."""

from emolit.engine.weights.selection import start_note


def test_a_start_is_called_a_start():
    selection = {"monitor": "val/a/UA", "mode": "max", "score": 0.5, "step": 0}
    assert "runs/best is of step 0: the untouched start" in str(
        start_note({"path": "runs/best", "selection": selection})
    )
    assert start_note({"path": "runs/best", "selection": {**selection, "step": 3}}) is None
    assert start_note({"path": "runs/best", "selection": None}) is None
    assert start_note(None) is None
