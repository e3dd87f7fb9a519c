"""The name of a run, its settings, and its best score."""

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from emolit.callbacks.run_board import RunBoard, stage_logger
from emolit.types import Clip
from tests.callbacks.tiny import Loader, Told, batch_of, events, trainer

CLIP = Clip("a", "one", "a.wav", "sad")


class Graded(Told):
    """Logs a given score after each epoch."""

    def __init__(self, scores):
        super().__init__({"a": ("sad", "sad")})
        self.scores = scores

    def on_validation_epoch_end(self):
        self.log("val/one/UA", self.scores[self.current_epoch])


@pytest.mark.parametrize(
    ("mode", "best"), [("max", [0.25, 0.5, 0.5]), ("min", [0.25, 0.25, 0.125])]
)
def test_the_best_so_far_is_a_curve(tmp_path, mode, best):
    keep = ModelCheckpoint(tmp_path / "kept", monitor="val/one/UA", mode=mode, save_top_k=1)
    made = trainer(tmp_path, RunBoard(), keep, max_epochs=3, enable_checkpointing=True)
    loader = Loader(batch_of(CLIP))
    made.fit(Graded([0.25, 0.5, 0.125]), loader, loader)
    board = events(tmp_path)
    assert [point.value for point in board.Scalars("score/best")] == best
    assert [point.value for point in board.Scalars("score/last")] == [0.25, 0.5, 0.125]


@pytest.mark.filterwarnings("ignore:You defined a `validation_step`")  # not needed here
@pytest.mark.filterwarnings("ignore:You're resuming from a checkpoint that ended before")
def test_a_start_that_failed_leaves_nothing_to_see_and_a_resume_goes_on(tmp_path):
    def run(steps, start=None):
        made = trainer(
            tmp_path, RunBoard(), max_epochs=-1, max_steps=steps,
            logger=stage_logger(tmp_path, "board"),
        )  # fmt: skip
        made.fit(Told({}), Loader(*[batch_of(CLIP)] * 9), ckpt_path=start)
        made.save_checkpoint(tmp_path / f"{steps}.ckpt")

    run(4)
    run(2)
    assert [point.step for point in events(tmp_path).Scalars("train/kl")] == [0, 1]
    run(6, tmp_path / "2.ckpt")
    run(5, tmp_path / "2.ckpt")
    steps = [point.step for point in events(tmp_path).Scalars("train/kl")]
    assert sorted(set(steps)) == [0, 1, 2, 3, 4]
    assert len(list((tmp_path / "board").glob("events*"))) == 4
    assert torch.load(tmp_path / "5.ckpt", weights_only=False)["global_step"] == 5
