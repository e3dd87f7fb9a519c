"""SECap: captions, transcripts with two separators, folds of ours."""

import json
from collections import Counter

import pytest

from emolit.corpora.secap import SECap
from emolit.errors import AudioError, ConfigError, CorpusError
from emolit.prompts.caption import Caption
from tests.fakes.secap import CAPTIONS, write_secap

pytestmark = pytest.mark.filterwarnings("ignore:'secap' in .* has .* clips, the release has 600")


def set_up(root, **settings):
    corpus = SECap(root=str(root), **{"speaker_independent": False, **settings})
    corpus.prepare_data()
    corpus.setup()
    return corpus


def served(corpus):
    return {split: corpus.clips(split) for split in ("train", "val", "test")}


@pytest.mark.parametrize("folder", ["dataset", ""])
def test_captions_and_transcripts_are_read_whatever_separates_them(tmp_path, folder):
    clips = {clip.id: clip for clip in SECap().read(write_secap(tmp_path, folder=folder))}
    assert len(clips) == 30
    one = clips["tx_emotion_00201000015"]
    assert one.captions == (CAPTIONS[0],)
    assert one.transcript == "一年又一年,一日复一日,一聚一离别,一生一场梦。"
    assert clips["tx_emulate_00_060_0001_000030"].transcript == "太正确了，训练有素。"
    assert {(clip.label, clip.speaker) for clip in clips.values()} == {(None, None)}
    assert one.path.endswith("wav/tx_emotion_00201000015.wav")


def test_five_folds_test_every_clip_once_and_part_no_caption(tmp_path):
    write_secap(tmp_path)
    tested = Counter()
    for fold in range(1, 6):
        parts = served(set_up(tmp_path, fold=fold))
        tested.update(clip.id for clip in parts["test"])
        captions = [{clip.captions for clip in clips} for clips in parts.values()]
        assert sum(map(len, captions)) == len(set().union(*captions))
        assert all(parts.values())
    assert len(tested) == 30 and set(tested.values()) == {1}


def test_unknown_speakers_must_be_allowed_and_are_told(tmp_path):
    write_secap(tmp_path)
    with pytest.raises(CorpusError, match="who speaks in the clips of 'secap'"):
        set_up(tmp_path, speaker_independent=True)
    (census,) = set_up(tmp_path).censuses
    assert "not speaker-independent; fold 1 of 5, emolit's own, by caption" in str(census)


def test_batches_have_captions_to_imitate_and_no_options(tmp_path):
    write_secap(tmp_path)
    corpus = set_up(tmp_path, prompt=Caption())
    batch = next(iter(corpus.test_dataloader()))
    assert batch.options == ()
    assert batch.targets == tuple(clip.captions[0] for clip in batch.clips)
    assert all(
        clip.transcript in asked for clip, asked in zip(batch.clips, batch.questions, strict=True)
    )


def test_a_listed_clip_without_recording_is_reported(tmp_path):
    top = write_secap(tmp_path)
    (top / "dataset" / "wav" / "tx_emotion_00201000015.wav").unlink()
    with pytest.raises(AudioError, match=r"1 of 30 clips of 'secap'.*tx_emotion_00201000015.wav"):
        set_up(tmp_path)


def test_what_is_left_over_is_counted(tmp_path, caplog):
    top = write_secap(tmp_path) / "dataset"
    captions = json.loads((top / "fid2captions.json").read_text())
    captions.pop("tx_emotion_00201000015")
    (top / "fid2captions.json").write_text(json.dumps(captions))
    (top / "text.txt").write_text("tx_emotion_00201000015\n\n")
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        clips = list(SECap().read(top.parent))
    assert len(clips) == 29 and all(clip.transcript is None for clip in clips)
    assert "29 clips have no transcripts" in caplog.text
    assert "1 clips have no recordings and no caption" in caplog.text


@pytest.mark.parametrize("content", ["[1]", '{"a": ""}', '{"a": "\\n"}', '{"a": 3}', "{"])
def test_a_table_without_captions_is_refused(tmp_path, content):
    top = write_secap(tmp_path)
    (top / "dataset" / "fid2captions.json").write_text(content)
    with pytest.raises(CorpusError, match=r"fid2captions.json.*(Get the release again|is no JSON)"):
        set_up(tmp_path)


def test_a_missing_table_and_an_unknown_fold_are_refused(tmp_path):
    (tmp_path / "secap").mkdir()
    with pytest.raises(CorpusError, match=r"looked for .*/secap/dataset/fid2captions.json"):
        set_up(tmp_path)
    with pytest.raises(ConfigError, match=r"`fold` of SECap is 6; choose one of \[1, 2, 3"):
        SECap(fold=6)


def test_the_real_clips_are_read(shared):
    corpus = set_up(shared / "corpora")
    clips = [clip for part in served(corpus).values() for clip in part]
    assert len(clips) == 400
    assert len({clip.captions for clip in clips}) == 365
    assert all(clip.transcript and clip.transcript == clip.transcript.strip() for clip in clips)
    assert {split: len(part) for split, part in served(corpus).items()} == {
        "train": 281,
        "val": 39,
        "test": 80,
    }


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_transcripts_are_read_in_the_encodings_that_occur(tmp_path, encoding):
    folder = write_secap(tmp_path)
    file = next(folder.rglob("text.txt"))
    wanted = {clip.id: clip.transcript for clip in SECap().read(folder)}
    file.write_bytes(file.read_text(encoding="utf-8").encode(encoding))
    assert {clip.id: clip.transcript for clip in SECap().read(folder)} == wanted
