"""Validation before the first step."""

from types import SimpleNamespace

from emolit.callbacks.validate_start import ValidateStart
from emolit.types import Clip
from tests.callbacks.tiny import Loader, Told, batch_of, events, trainer


class Logs(Told):
    """Logs the share of right answers."""

    def on_validation_epoch_end(self) -> None:
        self.log("val/UA", self.evaluator.compute()["one/UA"].float())


def test_the_curve_begins_at_the_start(tmp_path):
    task = Logs({"a": ("sad", "sad")})
    loader = Loader(batch_of(Clip("a", "one", "a.wav", "sad", split="val")))
    trainer(tmp_path, ValidateStart(), num_sanity_val_steps=0).fit(task, loader, loader)
    scores = events(tmp_path).Scalars("val/UA")
    assert [(score.step, score.value) for score in scores] == [(0, 1.0), (0, 1.0)]


def test_a_resumed_run_does_not_start_again():
    loop = SimpleNamespace(run=lambda: 1 / 0)
    fit_loop = SimpleNamespace(epoch_loop=SimpleNamespace(val_loop=loop))
    resumed = SimpleNamespace(global_step=3, fit_loop=fit_loop, limit_val_batches=1.0)
    ValidateStart().on_train_start(resumed, SimpleNamespace())
