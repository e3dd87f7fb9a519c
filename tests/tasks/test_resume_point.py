"""The place of a run, by hand; whole runs are in tests/tasks/test_continuing.py."""

from types import SimpleNamespace

import pytest

from emolit.tasks.resume_point import ResumePoint, place_of, rewind, settle, share


def trainer(together, batches=12):
    return SimpleNamespace(
        accumulate_grad_batches=together,
        num_training_batches=batches,
        strategy=SimpleNamespace(handles_gradient_accumulation=False),
    )


def mark(batches, step=0):
    return ResumePoint(
        step=step, epoch=0, batches=batches, moving={}, callbacks={"Watch": {"seen": 1}}
    )


@pytest.mark.parametrize(
    ("together", "begun", "batch", "expected"),
    [
        (1, 4, 4, 1.0),
        (10, 0, 3, 1.0),  # a whole window is divided by 10, as set
        (10, 10, 11, 5.0),  # the last one has 2 batches: 1/10 becomes 1/2
        (20, 0, 11, 20 / 12),
        (3, 5, 5, 3.0),  # a window that another setting had begun has 1 batch left
    ],
)
def test_a_window_is_a_mean_over_the_batches_that_it_has(together, begun, batch, expected):
    assert share(trainer(together), mark(begun), batch) == pytest.approx(expected)


def checkpoint(epoch=0, batches=5, last=False):
    progress = {"total": {"ready": 5}, "current": {"ready": 5}, "is_last_batch": last}
    return {
        "global_step": 2,
        "callbacks": {"Watch": {"seen": 3}, "Saver": {}},
        "loops": {
            "fit_loop": {
                "state_dict": {"combined_loader": [{"epoch": epoch, "batches": batches}]},
                "epoch_progress": {},
                "epoch_loop.batch_progress": progress,
                "epoch_loop.state_dict": {},
            }
        },
    }


def test_a_file_inside_a_window_says_where_the_window_began():
    state = checkpoint()
    rewind(state, mark(4, step=2))
    assert place_of(state) == {"epoch": 0, "batches": 4}
    assert state["callbacks"] == {"Watch": {"seen": 1}, "Saver": {}}


def test_a_file_of_the_last_batch_is_the_beginning_of_the_next_epoch():
    state = checkpoint(batches=12, last=True)
    assert settle(state, trainer(1)) == {"epoch": 1, "batches": 0}
    progress = state["loops"]["fit_loop"]["epoch_progress"]
    assert progress["current"] == {"ready": 1, "started": 1, "processed": 1, "completed": 1}


def test_another_loader_has_no_place():
    state = checkpoint()
    state["loops"]["fit_loop"]["state_dict"] = {}
    assert settle(state, trainer(1)) is None
