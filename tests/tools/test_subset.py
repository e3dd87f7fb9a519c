"""A subset has the training clips that are listed, and all clips of the other splits."""

import csv

from emolit.corpora.manifest import Manifest
from tests.fakes.tones import write_tones
from tools import subset


def ids(corpus, split):
    return {clip.id for clip in corpus.clips(split)}


def given(folder, keep):
    listed = folder / "keep.txt"
    listed.write_text(f"# training clips that stay\n\n{keep}\n", encoding="utf-8")
    return [
        *["--data", "Manifest", "--data.path", "tones.csv", "--data.root", str(folder)],
        *["--keep", str(listed), "--out", str(folder.parent / "out" / "subset.csv")],
    ]


def test_the_table_is_read_as_the_corpus_without_what_is_not_listed(tmp_path, capsys):
    folder = tmp_path / "tones"
    folder.mkdir()
    write_tones(folder, speakers=6)
    whole = Manifest("tones.csv", root=str(folder))
    whole.setup()
    stays = sorted(ids(whole, "train"))[:3]
    assert subset.main(given(folder, "\n".join(stays))) == 0
    assert "training clips" in capsys.readouterr().out
    table = tmp_path / "out" / "subset.csv"
    part = Manifest(str(table), root="/", name="tones", labels=list(whole.taxonomy.labels))
    part.setup()
    assert ids(part, "train") == set(stays)
    assert ids(part, "val") == ids(whole, "val") and ids(part, "test") == ids(whole, "test")
    with table.open(encoding="utf-8") as file:
        known = {clip.id: clip for split in ("train", "val", "test") for clip in whole.clips(split)}
        for row in csv.DictReader(file):
            clip = known[row["id"]]
            assert (row["label"], row["speaker"]) == (clip.label, clip.speaker)


def test_a_listed_clip_that_is_none_of_training_is_named(tmp_path, capsys):
    folder = tmp_path / "tones"
    folder.mkdir()
    write_tones(folder, speakers=6)
    assert subset.main(given(folder, "nobody")) == 1
    assert "'nobody'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
