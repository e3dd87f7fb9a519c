import shutil

import pytest

from emolit.corpora.emer import Emer
from emolit.corpora.mer2023 import Mer2023
from emolit.errors import ConfigError, CorpusError
from tests.corpora.test_mer import Words, set_up
from tests.fakes.emer import REASONS, write_emer
from tests.fakes.mer import SAID, names, write_mer2023, write_rows

pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has")


class Quoting(Words):
    """Shows what a clip says."""

    def render(self, clip, options):
        return f"{clip.transcript} Which emotions?"


def test_clips_have_reasons_words_and_recordings_of_mer2023(tmp_path):
    named = write_emer(tmp_path)
    corpus = set_up(tmp_path, Emer)
    assert corpus.censuses[0].counts == {"train": 14, "val": 2, "test": 4}
    clips = {c.id: c for split in ("train", "val", "test") for c in corpus.clips(split)}
    assert sorted(clips) == named
    clip = clips[named[0]]
    assert clip.path == f"../mer2023/train/{named[0]}.wav"
    assert clip.words == ("pleasurable", "self-deprecating", "relaxed")
    assert (clip.reason, clip.transcript) == (REASONS[1], SAID[1])
    assert clip.seconds == pytest.approx(0.05)


def test_reasons_alone_need_no_recordings(tmp_path):
    write_emer(tmp_path, recorded=False)
    corpus = set_up(tmp_path, Emer, source="reasons", subtitles="chinese", prompt=Quoting())
    assert corpus.censuses[0].counts == {"train": 14, "val": 2, "test": 4}
    assert "reasons as text alone" in corpus.censuses[0].notes
    batch = next(iter(corpus.train_dataloader()))
    assert {len(waveform) for waveform in batch.waveforms} == {0}
    assert set(batch.questions) == {f"{REASONS[0]} Which emotions?"}
    assert batch.targets == tuple(", ".join(clip.words) for clip in batch.clips)


@pytest.mark.parametrize("fold", range(1, 6))
def test_folds_test_every_clip_once(tmp_path, fold):
    write_emer(tmp_path, recorded=False)
    corpus = set_up(tmp_path, Emer, source="reasons", fold=fold)
    assert corpus.censuses[0].counts == {"train": 14, "val": 2, "test": 4}


def test_training_on_mer2023_leaves_these_clips_out(tmp_path):
    write_emer(tmp_path, count=3)
    labels = write_mer2023(tmp_path / "mer2023")
    corpus = set_up(tmp_path, Mer2023, leave_out="emer/check-openset.csv")
    served = {clip.id for split in ("train", "val") for clip in corpus.clips(split)}
    assert served == labels["train"].keys() - set(names(3))


def test_incomplete_releases_and_unknown_settings_are_refused(tmp_path):
    named = write_emer(tmp_path)
    words = tmp_path / "emer" / "check-openset.csv"
    write_rows(words, ("name", "openset"), [(name, "['x']") for name in named[1:]])
    with pytest.raises(CorpusError, match=rf"row 2: '{named[0]}' has no words in check-openset"):
        set_up(tmp_path, Emer)
    words.unlink()
    with pytest.raises(CorpusError, match=r"EMER in .* looked for check-openset\.csv at any"):
        set_up(tmp_path, Emer)
    for settings, text in (
        ({"source": "audio"}, "`source` of Emer is 'audio'; choose one of"),
        ({"subtitles": "latin"}, "`subtitles` of Emer is 'latin'"),
        ({"fold": 0}, "`fold` of Emer is 0"),
    ):
        with pytest.raises(ConfigError, match=text):
            Emer(**settings)


def test_real_rows_are_served_as_text(shared, tmp_path):
    folder = tmp_path / "emer"
    shutil.copytree(shared / "annotations" / "emer", folder)
    shutil.copy(shared / "annotations" / "mer2024" / "check-openset.csv", folder)
    process = shared / "annotations" / "merbench" / "mer2023-dataset-process"
    shutil.copy(process / "transcription-engchi-polish.csv", folder)
    corpus = set_up(tmp_path, Emer, source="reasons")
    census = corpus.censuses[0]
    assert sum(census.counts.values()) == 332 and census.counts["test"] in (66, 67)
    clips = [clip for split in ("train", "val", "test") for clip in corpus.clips(split)]
    assert all(clip.transcript == clip.reason and len(clip.reason) > 100 for clip in clips)
    assert round(sum(len(clip.words) for clip in clips) / 332, 1) == 3.4
    train = (shared / "annotations/emobox/mer2023/fold_1/mer2023_train_fold_1.jsonl").read_text()
    assert all(f'"mer2023-{clip.id}"' in train for clip in clips)
    heard = {clip.id: clip for clip in Emer().read(folder)}
    assert heard[clips[0].id].path.endswith(f"mer2023/train/{clips[0].id}.mp4")
    assert sum(clip.transcript is None for clip in heard.values()) < 332 // 10
