"""The seed of the run is the one of the config."""

from lightning.pytorch import seed_everything

from emolit.seed import run_seed


def test_the_seed_is_the_one_that_lightning_was_given(monkeypatch):
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    assert run_seed() == 0
    monkeypatch.setenv("PL_GLOBAL_SEED", "1")  # so that it is restored
    seed_everything(7, verbose=False)
    assert run_seed() == 7
