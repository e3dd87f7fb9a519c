"""Order of clips over epochs and processes, and exact continuation of an interrupted training."""

import json
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from emolit.data.sampler import ClipLoader, ClipSampler, even, quotas
from emolit.errors import AudioError, ConfigError
from emolit.types import Batch, Clip

SIZE = 23
BATCH = 3


def order(epoch=0, **settings):
    sampler = ClipSampler(settings.pop("groups", [SIZE]), training=True, **settings)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_an_epoch_is_a_permutation_that_changes_with_epoch_and_seed_only():
    assert sorted(order()) == list(range(SIZE))
    assert order() == order()
    orders = {tuple(order(epoch, seed=seed)) for epoch in range(4) for seed in (0, 1, 2**31, 2**40)}
    assert len(orders) == 16


def test_a_dataset_that_has_to_know_is_told_the_epoch():
    sampler = ClipSampler([SIZE], training=True)
    sampler.tells_epoch = True
    for epoch in (0, 1, 7):
        sampler.set_epoch(epoch)
        assert [divmod(index, SIZE) for index in sampler] == [(epoch, i) for i in order(epoch)]


def test_the_global_stream_of_random_numbers_is_left_alone():
    torch.manual_seed(0)
    loader = training_loader()
    list(loader)
    drawn = torch.rand(1)
    torch.manual_seed(0)
    assert drawn == torch.rand(1)


def test_another_balance_is_refused_in_the_middle_of_an_epoch():
    def loader(balance):
        sampler = ClipSampler([SIZE], training=True, labels=LABELS, balance=balance)
        return ClipLoader(range(SIZE), BATCH, sampler=sampler)

    before = loader(1.0)
    iterator = iter(before)
    next(iterator)
    with pytest.raises(ConfigError, match=r"balance was 1\.0 and is 0\.0"):
        loader(0.0).load_state_dict(before.state_dict())
    old = {name: value for name, value in before.state_dict().items() if name != "balance"}
    loader(0.0).load_state_dict(old)  # a file of before there was one


LABELS = ["sad"] * 2 + ["happy"] * 6 + ["angry"] * 15


@pytest.mark.parametrize(
    ("balance", "wanted"),
    [
        (0.0, {"sad": 2, "happy": 6, "angry": 15}),
        (1.0, {"sad": 8, "happy": 8, "angry": 7}),  # 23 clips, 7 2/3 each
        (0.5, {"sad": 4, "happy": 7, "angry": 12}),  # roots 1.41, 2.45, 3.87 of 7.74
    ],
)
def test_labels_share_an_epoch_as_told_and_no_clip_is_read_twice_before_all_once(balance, wanted):
    read = order(labels=LABELS, balance=balance)
    assert len(read) == SIZE
    assert Counter(LABELS[clip] for clip in read) == wanted
    for label, times in wanted.items():
        each = Counter(clip for clip in read if LABELS[clip] == label)
        there = LABELS.count(label)
        assert set(each.values()) <= {times // there, -(-times // there)}


def test_labels_are_balanced_within_each_group():
    labels = ["sad"] * 2 + ["happy"] * 8 + ["sad"] * 9 + ["angry"] * 1
    read = order(groups=[10, 10], weights=[1.0, 1.0], labels=labels, balance=1.0)
    counted = Counter((clip < 10, labels[clip]) for clip in read)
    assert counted == {(True, "sad"): 5, (True, "happy"): 5, (False, "sad"): 5, (False, "angry"): 5}


@given(
    size=st.integers(1, 60),
    batch=st.integers(1, 5),
    processes=st.sampled_from([1, 2, 3, 4]),
    epoch=st.integers(0, 3),
)
def test_the_batches_of_a_step_over_all_ranks_are_the_batch_of_one_process(
    size, batch, processes, epoch
):
    def steps(place, batch):
        sampler = ClipSampler([size], training=True, place=place)
        sampler.set_epoch(epoch)
        return list(ClipLoader(range(size), batch, sampler=sampler, drop_last=True))

    ranks = [steps((rank, processes), batch) for rank in range(processes)]
    together = [sorted(torch.cat(parts).tolist()) for parts in zip(*ranks, strict=True)]
    alone = [sorted(part.tolist()) for part in steps((0, 1), batch * processes)]
    assert together == alone
    assert len(alone) == size // (batch * processes)


@given(size=st.integers(0, 40), processes=st.integers(1, 5))
def test_evaluation_reads_every_clip_once_over_all_ranks_in_order(size, processes):
    samplers = [ClipSampler([size], place=(rank, processes)) for rank in range(processes)]
    parts = [list(sampler) for sampler in samplers]
    assert sorted(chain(*parts)) == list(range(size))
    assert [len(sampler) for sampler in samplers] == [len(part) for part in parts]
    assert all(part == sorted(part) for part in parts)


def test_weights_share_an_epoch_of_unchanged_length_and_repeat_small_corpora_evenly():
    clips = order(groups=[20, 4], weights=[1, 3])
    assert len(clips) == 24
    from_first = [clip for clip in clips if clip < 20]
    from_second = Counter(clip for clip in clips if clip >= 20)
    assert len(set(from_first)) == len(from_first) == 6
    assert sorted(from_second.values()) == [4, 4, 5, 5]


def test_a_weight_of_zero_leaves_a_corpus_out():
    assert {clip < 5 for clip in order(groups=[5, 7], weights=[1, 0])} == {True}


@given(
    total=st.integers(0, 10_000),
    weights=st.lists(st.floats(0, 1e6), min_size=1, max_size=6).filter(lambda w: sum(w) > 1e-6),
)
def test_quotas_add_up_and_are_within_one_of_their_exact_share(total, weights):
    parts = quotas(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * weight / sum(weights)) <= 1


class Recorder(LightningModule):
    """Trains one number and writes down which clips it saw; with a diary it only reads.

    A forked process cannot run autograd once its parent did.
    """

    def __init__(self, diary: Path | None = None) -> None:
        super().__init__()
        self.number = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[list[int]] = []
        self.diary = diary
        self.automatic_optimization = diary is None

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        self.seen.append([self.trainer.current_epoch, batch_idx, *batch.tolist()])
        return (self.number - batch.float().mean()) ** 2

    def validation_step(self, batch: torch.Tensor, batch_idx: int) -> None:
        self.seen.append([-1, batch_idx, *batch.tolist()])

    def on_train_end(self) -> None:
        if self.diary:
            (self.diary / f"{self.global_rank}.json").write_text(json.dumps(self.seen))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.1)

    @property
    def trained(self) -> list[list[int]]:
        return [row for row in self.seen if row[0] >= 0]


def training_loader(workers: int = 0, seed: int = 0, batch: int = BATCH) -> ClipLoader:
    return ClipLoader(
        range(SIZE),
        batch,
        sampler=ClipSampler([SIZE], training=True, seed=seed),
        num_workers=workers,
        drop_last=True,
        generator=torch.Generator().manual_seed(0),
        persistent_workers=workers > 0,
    )


def trainer(callbacks=(), validate=None, **settings) -> Trainer:
    return Trainer(
        accelerator="cpu",
        callbacks=list(callbacks),
        val_check_interval=validate,
        limit_val_batches=1.0 if validate else 0,
        enable_checkpointing=bool(callbacks),
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **{"max_epochs": 3, **settings},
    )


def fit(folder: Path, loader: ClipLoader, checkpoint: Path | None = None, **settings) -> Recorder:
    """Train with a checkpoint after every optimizer step, every validation and every epoch."""
    savers = [
        ModelCheckpoint(folder, "{step}", every_n_train_steps=1, save_top_k=-1),
        ModelCheckpoint(folder, "end-{step}", save_on_train_epoch_end=True, save_top_k=-1),
        SaveAfterValidation(folder),
    ]
    module = Recorder()
    held = ClipLoader(range(4), 2, sampler=ClipSampler([4]))
    trainer(savers, **settings).fit(module, loader, held, ckpt_path=checkpoint)
    return module


class SaveAfterValidation(Callback):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_validation_end(self, trainer: Trainer, _: LightningModule) -> None:
        trainer.save_checkpoint(self.folder / f"val-{trainer.global_step}.ckpt")


def batches_until(step: int, accumulate: int) -> int:
    """How many batches lie before an optimizer step; the last window of an epoch may be short."""
    epoch = SIZE // BATCH
    steps = -(-epoch // accumulate)
    return step // steps * epoch + step % steps * accumulate


def check_continuation(folder, checkpoint, whole, accumulate=1, loader=None, **settings):
    settings |= {"accumulate_grad_batches": accumulate}
    rest = fit(folder, loader or training_loader(), checkpoint, **settings)
    done = batches_until(torch.load(checkpoint, weights_only=False)["global_step"], accumulate)
    assert rest.trained == whole.trained[done:], checkpoint.name
    assert torch.equal(rest.number, whole.number), checkpoint.name


@pytest.mark.filterwarnings("ignore:The dirpath has changed")
@pytest.mark.parametrize(
    ("accumulate", "validate", "checkpoints"),
    [(2, None, 12 + 3), (1, 3, 21 + 3 + 6), (2, 2, 12 + 3 + 9)],
)
def test_a_training_resumed_from_any_checkpoint_sees_the_clips_that_it_would_have_seen(
    tmp_path, accumulate, validate, checkpoints
):
    settings = {"accumulate_grad_batches": accumulate, "validate": validate}
    whole = fit(tmp_path / "whole", training_loader(), **settings)
    assert len(whole.trained) == 3 * (SIZE // BATCH)
    found = sorted((tmp_path / "whole").glob("*.ckpt"))
    assert len(found) == checkpoints
    for number, checkpoint in enumerate(found):
        check_continuation(tmp_path / str(number), checkpoint, whole, accumulate, validate=validate)


@pytest.mark.filterwarnings("ignore:The dirpath has changed")
@pytest.mark.parametrize("step", [2, 7, 10])
def test_a_training_with_workers_resumes_without_them_and_the_other_way_round(tmp_path, step):
    whole = fit(tmp_path / "whole", training_loader())
    checkpoint = tmp_path / "whole" / f"step={step}.ckpt"
    check_continuation(tmp_path / "2", checkpoint, whole, loader=training_loader(workers=2))
    parallel = fit(tmp_path / "parallel", training_loader(workers=2))
    assert parallel.trained == whole.trained
    check_continuation(tmp_path / "3", tmp_path / "parallel" / checkpoint.name, whole)


@pytest.mark.filterwarnings("ignore:The dirpath has changed")
@pytest.mark.parametrize(
    ("loader", "what"),
    [
        (training_loader(seed=1), "seed was 0 and is 1"),
        (training_loader(batch=4), "clips a step was 3 and is 4"),
    ],
)
def test_other_settings_in_the_middle_of_an_epoch_are_refused(tmp_path, loader, what):
    fit(tmp_path / "whole", training_loader())
    with pytest.raises(ConfigError, match=f"middle of epoch 1 .* {what}"):
        fit(tmp_path / "rest", loader, tmp_path / "whole" / "step=9.ckpt")
    fit(tmp_path / "next", loader, tmp_path / "whole" / "step=7.ckpt")


@pytest.mark.filterwarnings("ignore:The dirpath has changed")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_that_is_handed_out_three_times_goes_on_with_the_times_that_are_left(
    tmp_path, workers
):
    def thrice(repeats: int = 3) -> ClipLoader:
        loader = training_loader(workers)
        loader.repeats = repeats
        return loader

    single = fit(tmp_path / "single", training_loader())
    whole = fit(tmp_path / "whole", thrice())
    clips = [row[2:] for row in whole.trained]
    assert clips == [row[2:] for row in single.trained for _ in range(3)]
    for step in (1, 5, 6, 21, 22):
        check_continuation(tmp_path / str(step), found(tmp_path, step), whole, 1, thrice())
    with pytest.raises(ConfigError, match="steps a batch was 3 and is 2"):
        fit(tmp_path / "other", thrice(2), found(tmp_path, 5))


def found(folder: Path, step: int) -> Path:
    return folder / "whole" / f"step={step}.ckpt"


def test_two_processes_under_lightning_see_what_one_sees_with_twice_the_batch(tmp_path):
    alone = Recorder()
    settings = {"strategy": "ddp_fork", "devices": 2, "validate": 1.0}
    held = ClipLoader(range(5), 2, sampler=ClipSampler([5]))
    trainer(max_epochs=2).fit(alone, training_loader(batch=4), held)
    trainer(max_epochs=2, **settings).fit(Recorder(tmp_path), training_loader(batch=2), held)
    ranks = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    steps = [[row for row in rank if row[0] >= 0] for rank in ranks]
    both = [sorted(a[2:] + b[2:]) for a, b in zip(*steps, strict=True)]
    assert both == [sorted(row[2:]) for row in alone.trained]
    validated = [clip for rank in ranks for row in rank if row[0] < 0 for clip in row[2:]]
    assert sorted(validated) == sorted([*range(5)] * 2)


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 8))
def test_all_processes_have_equally_many_batches_of_evaluation(clips, batch_size, processes):
    size = even(clips, batch_size, processes)
    shares = [len(range(rank, clips, processes)) for rank in range(processes)]
    if clips >= processes:
        assert len({-(-share // size) for share in shares}) == 1
    if clips % processes == 0:
        assert size == batch_size


def clips(count: int, *unread: str) -> Batch:
    names = tuple(f"{i}" for i in range(count))
    one = tuple(Clip(name, "mine", f"{name}.wav") for name in names)
    return Batch(one, names, names, (), tuple(torch.zeros(1) for _ in names), 16_000, unread=unread)


def loader_of(*batches: Batch, training: bool = False, skips: bool = True) -> ClipLoader:
    loader = ClipLoader(batches, 1, collate_fn=lambda found: found[0], drop_last=training)
    loader.skips = skips
    return loader


def test_clips_that_cannot_be_read_are_counted_and_an_empty_batch_is_not_handed_out():
    loader = loader_of(clips(2), clips(1, "a is missing."), clips(0, "b is cut.", "c is cut."))
    with pytest.warns(UserWarning) as told:
        assert [len(batch) for batch in loader] == [2, 1]
    assert [str(each.message).partition(" clips since")[0] for each in told] == [
        "a is missing. Left out, as `loading.on_bad_audio` is skip: 1",
        "b is cut. c is cut. Left out, as `loading.on_bad_audio` is skip: 3",
    ]


@pytest.mark.parametrize(
    ("training", "skips", "processes", "said"),
    [
        (False, False, 1, "^a is missing.$"),
        (True, True, 1, "too few are left of it. The last: a is missing. Look at the disk"),
        (False, True, 2, "too few are left of it. The last: a is missing. Look at the disk"),
    ],
    ids=["none is skipped", "a training batch is short", "processes wait for each other"],
)
def test_clips_that_cannot_be_read_may_end_the_run(monkeypatch, training, skips, processes, said):
    monkeypatch.setattr("emolit.data.sampler.placement", lambda: (0, processes))
    with pytest.raises(AudioError, match=said):
        list(loader_of(clips(0, "a is missing."), training=training, skips=skips))
