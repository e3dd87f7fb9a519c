"""What every corpus does, shown on a user's listing and on a small RAVDESS."""

import json
from collections import Counter
from itertools import chain
from typing import get_args

import numpy as np
import pytest
import soundfile
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import distributed
from torch.nn import Parameter
from torch.optim import SGD

from emolit.audio import decoding as audio
from emolit.corpora import base
from emolit.corpora.manifest import Manifest
from emolit.corpora.ravdess import Ravdess
from emolit.data import audio_check
from emolit.data.dataset import LoaderSettings
from emolit.errors import AudioError, ConfigError, CorpusError
from emolit.files.table import Row
from emolit.prompts.direct import Direct
from emolit.types import Split
from tests.fakes.listing import ROWS, write_listing, write_tone

SPLITS = get_args(Split)

BAD = {
    "wav/a0.wav": (None, "is missing"),
    "wav/a1.wav": (b"", "length zero"),
    "wav/b0.wav": (b"RIFF no audio at all", "cannot be decoded"),
    "wav/b1.wav": (b"version https://git-lfs.github.com/spec/v1\n", "git-lfs pointer"),
    "wav/c0.wav": (np.zeros(800), "is silent"),
    "wav/c1.wav": (np.full(800, np.nan), "no finite numbers"),
    "wav/d0.wav": ("half", "is truncated"),
}


def set_up(folder, **settings):
    corpus = Manifest("mine.csv", root=str(folder), prompt=Direct(), **settings)
    corpus.prepare_data()
    corpus.setup("fit")
    return corpus


def spoil(folder, bad=BAD):
    for name, (content, _) in bad.items():
        path = folder / name
        if content is None:
            path.unlink()
        elif isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_bytes(path.read_bytes()[:1000])
        else:
            soundfile.write(path, content, 16_000, subtype="FLOAT")


def ids(clips):
    return [clip.id for clip in clips]


@pytest.fixture
def looked_at(monkeypatch):
    """The files that were decoded for checking."""
    names = []
    check = audio.check

    def note(path, *segment):
        names.append(path.name)
        return check(path, *segment)

    monkeypatch.setattr(audio, "check", note)
    return names


class Reader(LightningModule):
    """Notes the clips of every batch."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.number = Parameter(torch.zeros(()))
        self.seen = Counter()

    def note(self, stage, batch):
        self.seen.update((stage, clip.id) for clip in batch.clips)

    def training_step(self, batch):
        self.note("train", batch)

    def validation_step(self, batch):
        self.note("val", batch)

    def test_step(self, batch):
        self.note("test", batch)

    def predict_step(self, batch):
        return ids(batch.clips)

    def configure_optimizers(self):
        return SGD(self.parameters(), lr=0.1)


def trainer(**settings):
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **settings,
    )


def test_bad_audio_stops_with_a_list_of_files_and_reasons(tmp_path):
    write_listing(tmp_path)
    spoil(tmp_path)
    with pytest.raises(AudioError, match="7 of 15 clips of 'mine' cannot be used") as caught:
        set_up(tmp_path)
    for name, (_, reason) in list(BAD.items())[:2]:
        assert name in str(caught.value)
        assert reason in str(caught.value)
    assert "and 2 more" in str(caught.value)
    assert "set `loading.on_bad_audio` to skip" in str(caught.value)


def test_bad_audio_can_be_skipped_and_is_counted_and_listed(tmp_path, caplog):
    write_listing(tmp_path)
    spoil(tmp_path)
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        corpus = set_up(tmp_path, loading=LoaderSettings(on_bad_audio="skip"))
    (census,) = corpus.censuses
    assert sum(census.counts.values()) == 15 - len(BAD)
    assert len(census.skipped) == len(BAD)
    for (name, (_, reason)), line in zip(BAD.items(), census.skipped, strict=True):
        assert name in line
        assert reason in line
    assert "7 clips skipped: " in caplog.text
    served = {clip.path for split in ("train", "val", "test") for clip in corpus.clips(split)}
    assert served == {row["path"] for row in ROWS} - set(BAD)


def test_a_corpus_without_any_good_clip_is_refused(tmp_path):
    write_listing(tmp_path, ROWS[:3])
    spoil(tmp_path, {row["path"]: (b"", "") for row in ROWS[:3]})
    with pytest.raises(CorpusError, match=r"No clip of 'mine' has usable audio: .*length zero"):
        set_up(tmp_path, loading=LoaderSettings(on_bad_audio="skip"))


def test_a_release_is_decoded_once_and_bad_files_again_each_time(tmp_path, looked_at):
    write_listing(tmp_path)
    spoil(tmp_path, {"wav/a1.wav": BAD["wav/a1.wav"]})
    skip = LoaderSettings(on_bad_audio="skip")
    first = set_up(tmp_path, loading=skip)
    assert sorted(looked_at) == sorted(row["path"][4:] for row in ROWS)
    looked_at.clear()
    again = set_up(tmp_path, loading=skip)
    assert set(looked_at) == {"a1.wav"}
    assert again.clips("train") == first.clips("train")


def test_a_changed_table_is_read_anew_and_no_audio_is_decoded(tmp_path, looked_at):
    write_listing(tmp_path)
    before = set_up(tmp_path).clips("train")
    looked_at.clear()
    table = tmp_path / "mine.csv"
    table.write_text(table.read_text().replace("angry", "calm"))
    clips = set_up(tmp_path).clips("train")
    assert ids(clips) == ids(before)
    assert {clip.label for clip in clips} == {"calm", "happy", "sad"}
    assert looked_at == []


def test_a_changed_recording_is_decoded_anew_and_no_other(tmp_path, looked_at):
    write_listing(tmp_path)
    set_up(tmp_path)
    looked_at.clear()
    write_tone(tmp_path / "wav" / "a0.wav", 0.2)
    set_up(tmp_path)
    assert looked_at == ["a0.wav"]


def test_a_mended_reader_takes_effect_though_the_audio_is_known(tmp_path, looked_at, monkeypatch):
    """A corpus reads with code that it shares with others: nothing that it says is kept."""
    write_listing(tmp_path)
    set_up(tmp_path)
    looked_at.clear()
    text = Row.text
    monkeypatch.setattr(
        Row, "text", lambda row, name: "Mended." if name == "transcript" else text(row, name)
    )
    assert {clip.transcript for clip in set_up(tmp_path).clips("train")} == {"Mended."}
    assert looked_at == []


def test_a_damaged_cache_is_built_anew(tmp_path, cache, looked_at):
    write_listing(tmp_path)
    clips = set_up(tmp_path).clips("train")
    (path,) = cache.glob("mine-*.json")
    path.write_bytes(path.read_bytes()[:-10])
    looked_at.clear()
    assert set_up(tmp_path).clips("train") == clips
    assert len(looked_at) == 15
    looked_at.clear()
    set_up(tmp_path)
    assert looked_at == []


def test_setup_alone_serves_the_same_as_after_preparing(tmp_path):
    write_listing(tmp_path)
    alone = Manifest("mine.csv", root=str(tmp_path))
    alone.setup("test")
    assert alone.clips("test") == set_up(tmp_path).clips("test")


def test_an_id_that_stands_twice_in_a_release_is_refused(tmp_path):
    class Twice(Ravdess):
        def read(self, folder):
            clips = list(super().read(folder))
            return iter([*clips, clips[0]])

    (tmp_path / "ravdess" / "Actor_01").mkdir(parents=True)
    write_tone(tmp_path / "ravdess" / "Actor_01" / "03-01-05-01-01-01-01.wav")
    with pytest.raises(CorpusError, match="Clips of 'ravdess' share an id: 03-01-05-01-01-01-01"):
        Twice(root=str(tmp_path)).prepare_data()


def test_long_clips_are_cropped_and_counted(tmp_path):
    write_listing(tmp_path)
    write_tone(tmp_path / "wav" / "a0.wav", 0.3)
    corpus = set_up(tmp_path, loading=LoaderSettings(max_seconds=0.1, batch_size=2))
    assert corpus.censuses[0].cropped == 1
    loaders = (corpus.train_dataloader(), corpus.val_dataloader(), corpus.test_dataloader())
    lengths = [len(w) for loader in loaders for batch in loader for w in batch.waveforms]
    assert set(lengths) <= {800, 1600}


def test_labels_outside_the_set_are_dropped_and_counted(tmp_path):
    write_listing(tmp_path)
    corpus = set_up(tmp_path, labels=["happy", "glad"], label_map={"angry": "glad"})
    assert corpus.taxonomy.labels == ("happy", "glad")
    assert corpus.censuses[0].dropped == {"sad": 5}
    labels = Counter(clip.label for s in ("train", "val", "test") for clip in corpus.clips(s))
    assert labels == {"happy": 5, "glad": 5}


def test_a_label_set_that_nothing_belongs_to_is_refused(tmp_path):
    write_listing(tmp_path)
    with pytest.raises(CorpusError, match=r"No clip of 'mine' has a label among \['calm'\]"):
        set_up(tmp_path, labels=["calm"])


def test_a_misspelled_label_map_is_refused():
    with pytest.raises(ConfigError, match=r"`label_map` of 'ravdess' renames \['clam'\]"):
        Ravdess(label_map={"clam": "neutral"})


def test_training_batches_are_full_shuffled_and_repeatable(tmp_path):
    write_listing(tmp_path)
    corpus = set_up(tmp_path, loading=LoaderSettings(batch_size=4))
    loader = corpus.train_dataloader()
    first, second = ([ids(batch.clips) for batch in loader] for _ in range(2))
    assert first == second
    assert [len(batch) for batch in first] == [4, 4]
    assert first[0] + first[1] != ids(corpus.clips("train"))[:8]
    other = set_up(tmp_path, loading=LoaderSettings(batch_size=4, seed=1)).train_dataloader()
    assert [ids(batch.clips) for batch in other] != first


def test_training_batches_are_repeated_as_a_task_asks_and_those_of_validation_are_not(tmp_path):
    write_listing(tmp_path)
    corpus = set_up(tmp_path, loading=LoaderSettings(batch_size=4))
    single = [ids(batch.clips) for batch in corpus.train_dataloader()]
    held_out = len(corpus.val_dataloader())
    corpus.repeats = 3
    loader = corpus.train_dataloader()
    assert [ids(batch.clips) for batch in loader] == [row for row in single for _ in range(3)]
    assert len(loader) == 6
    assert len(corpus.val_dataloader()) == held_out


def test_workers_deliver_what_one_process_delivers(tmp_path):
    write_listing(tmp_path)

    def batches(workers):
        loading = LoaderSettings(batch_size=4, num_workers=workers)
        return list(set_up(tmp_path, loading=loading).train_dataloader())

    for alone, parallel in zip(batches(0), batches(2), strict=True):
        assert alone.clips == parallel.clips
        assert all(map(np.array_equal, alone.waveforms, parallel.waveforms))


@pytest.mark.parametrize("eval_batch_size", [1, 2, 5])
def test_evaluation_under_lightning_sees_every_clip_once(tmp_path, eval_batch_size):
    write_listing(tmp_path)
    corpus = set_up(tmp_path, loading=LoaderSettings(eval_batch_size=eval_batch_size))
    module = Reader()
    trainer().validate(module, corpus, verbose=False)
    trainer().test(module, corpus, verbose=False)
    val = {("val", name): 1 for name in ids(corpus.clips("val"))}
    assert module.seen == val | {("test", name): 1 for name in ids(corpus.clips("test"))}
    predicted = trainer().predict(module, corpus)
    assert list(chain(*predicted)) == ids(corpus.clips("test"))


def test_a_corpus_without_validation_clips_trains_without_validation(tmp_path):
    write_listing(tmp_path, [{**row, "split": "train"} for row in ROWS])
    corpus = set_up(tmp_path, loading=LoaderSettings(batch_size=5))
    module = Reader()
    with pytest.warns(UserWarning, match="length of `list` across ranks is zero"):
        trainer(max_epochs=1).fit(module, corpus)
    assert module.seen == Counter(("train", row["path"]) for row in ROWS)


def test_too_few_clips_and_a_missing_prompt_are_refused(tmp_path, monkeypatch):
    write_listing(tmp_path, [{**row, "split": "train"} for row in ROWS[:4]])
    corpus = set_up(tmp_path)
    with pytest.raises(CorpusError, match=r"'mine' has 4 clips for training, a step of .* needs 8"):
        corpus.train_dataloader()
    with pytest.raises(CorpusError, match=r"'mine' has 0 clips for evaluation, .* train 4, val 0"):
        corpus.test_dataloader()
    monkeypatch.setattr(base, "placement", lambda: (0, 5))
    with pytest.raises(CorpusError, match=r"a step of all processes needs 40\."):
        corpus.train_dataloader()
    corpus.prompt = None
    with pytest.raises(ConfigError, match="'mine' has no prompt; set `prompt`"):
        corpus.train_dataloader()


def test_the_label_set_is_known_before_anything_is_read():
    assert Ravdess(root="nowhere").taxonomy.labels[-1] == "calm"
    assert Ravdess(root="nowhere", labels=["sad", "happy"]).taxonomy.labels == ("sad", "happy")
    assert Manifest("no.csv", labels=["sad"]).taxonomy.labels == ("sad",)
    merged = Ravdess(label_map={"calm": "neutral", "fear": "afraid"})
    assert merged.taxonomy.labels[-1] == "afraid"
    assert "calm" not in merged.taxonomy


@pytest.mark.filterwarnings("ignore:.* clips, the release has")
def test_folds_share_what_was_decoded(tmp_path, looked_at):
    folder = tmp_path / "ravdess" / "Actor_01"
    folder.mkdir(parents=True)
    write_tone(folder / "03-01-05-01-01-01-01.wav")
    for fold, split in ((1, "test"), (2, "train")):
        corpus = Ravdess(fold, root=str(tmp_path))
        corpus.setup()
        assert [clip.speaker for clip in corpus.clips(split)] == ["01"]
    assert len(looked_at) == 1


def start_as(rank, folder, address):
    """Start a corpus as one of two processes; tell what it looked at and what it serves."""
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    looked, check, states = [], audio.check, audio_check.file_states
    audio.check = lambda path, *more: looked.append(path.name) or check(path, *more)
    audio_check.file_states = lambda files: looked.extend(files) or states(files)
    corpus = set_up(folder)
    served = [(clip.id, clip.split, clip.seconds) for s in SPLITS for clip in corpus.clips(s)]
    (folder / f"{rank}.json").write_text(json.dumps([len(looked), served]))
    distributed.destroy_process_group()


@pytest.mark.slow
def test_the_first_process_checks_and_the_others_read_its_result(tmp_path):
    write_listing(tmp_path)
    address = f"file://{tmp_path}/rendezvous"
    torch.multiprocessing.spawn(start_as, (tmp_path, address), nprocs=2)
    (looked, served), (others, same) = (
        json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)
    )
    assert looked > 0 and others == 0
    assert same == served and len(served) > 0
