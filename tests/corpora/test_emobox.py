import json
from collections import Counter
from unicodedata import normalize

import pytest

from emolit.corpora.emobox import EmoBox
from emolit.corpora.mixture import Mixture
from emolit.corpora.ravdess import Ravdess
from emolit.data.dataset import LoaderSettings
from emolit.errors import AudioError, ConfigError, CorpusError
from emolit.prompts.direct import Direct
from tests.fakes.emobox import (
    SAVEE,
    SPEAKERS,
    row,
    savee,
    write_audio,
    write_list,
    write_map,
    write_savee_lists,
)  # fmt: skip
from tests.fakes.listing import write_tone

REAL = {"downloads/ravdess/audio/Audio_Speech_Actors_01-24/": ""}


def set_up(root, dataset="savee", **settings):
    corpus = EmoBox(dataset, root=str(root), prompt=Direct(), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


@pytest.fixture
def root(tmp_path):
    write_savee_lists(tmp_path / "emobox")
    write_audio(tmp_path / "savee", savee(SPEAKERS))
    return tmp_path


def small(root, dataset, rows, names, test=1):
    """Write one fold: the last rows are the test."""
    write_map(root / "emobox", dataset, names)
    write_list(root / "emobox", dataset, "train", 1, rows[:-test])
    write_list(root / "emobox", dataset, "test", 1, rows[-test:])
    write_audio(root / dataset, rows)


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
def test_a_fold_serves_its_lists_with_validation_held_out_by_speaker(root, fold):
    corpus = set_up(root, fold=fold)
    (census,) = corpus.censuses
    assert census.counts == {"train": 14, "val": 7, "test": 7}
    assert {clip.speaker for clip in corpus.clips("test")} == {SPEAKERS[fold - 1]}
    (held,) = {clip.speaker for clip in corpus.clips("val")}
    assert f"EmoBox's training part: speakers {held}" in str(census)
    clip = next(clip for clip in corpus.clips("test") if clip.label == "surprise")
    who = SPEAKERS[fold - 1]
    assert (clip.id, clip.path, clip.corpus) == (f"{who}-su03", f"{who}_su03.wav", "savee")
    assert corpus.taxonomy.labels == (
        "angry", "happy", "neutral", "sad", "fear", "disgust", "surprise",
    )  # fmt: skip
    assert corpus.emobox_fold == fold


def test_another_extension_of_the_listed_stem_is_read(tmp_path):
    write_savee_lists(tmp_path / "emobox")
    write_audio(tmp_path / "savee", savee(SPEAKERS), ".flac")
    assert set_up(tmp_path).clips("test")[0].path == "JE_a03.flac"


def test_listed_paths_are_mapped_and_the_longest_prefix_wins(root):
    (root / "savee").rename(root / "elsewhere")
    (root / "savee").mkdir()
    (root / "elsewhere").rename(root / "savee" / "AudioData")
    prefixes = {"downloads/": "nowhere", "downloads/savee/": "AudioData"}
    assert set_up(root, prefixes=prefixes).clips("test")[0].path == "AudioData/JE_a03.wav"
    with pytest.raises(CorpusError, match=r"path downloads/savee/KL_.* none of .*\['uploads/'\]"):
        set_up(root, prefixes={"uploads/": ""})


def test_a_renamed_folder_is_refused_with_the_path_looked_for(root):
    (root / "savee" / "old").mkdir()
    for path in (root / "savee").glob("*.wav"):
        path.rename(root / "savee" / "old" / path.name)
    with pytest.raises(CorpusError, match=r"None of the files .* looked for is .*/savee/\w+\.wav"):
        set_up(root)


def test_a_listed_clip_that_is_missing_is_counted_and_named(root):
    (root / "savee" / "JE_a03.wav").unlink()
    with pytest.raises(AudioError, match=r"1 of 28 clips .*JE_a03\.wav is missing"):
        set_up(root)
    corpus = set_up(root, loading=LoaderSettings(on_bad_audio="skip"))
    assert corpus.censuses[0].counts["test"] == 6
    assert "JE_a03.wav is missing" in corpus.censuses[0].skipped[0]


def test_an_unknown_fold_and_missing_lists_are_refused_with_what_is_there(root):
    with pytest.raises(ConfigError, match=r"`fold` of 'savee' is 5; .* folds \[1, 2, 3, 4\]"):
        set_up(root, fold=5)
    with pytest.raises(CorpusError, match=r"label map is missing: looked for .*nowhere/savee/la"):
        set_up(root, lists="nowhere")
    with pytest.raises(CorpusError, match=r"folder of the corpus 'casia' is missing"):
        set_up(root, "casia")


def test_labels_outside_the_map_are_refused_with_their_row(root):
    write_map(root / "emobox", "savee", {"a": "Angry"})
    with pytest.raises(CorpusError, match=r"_fold_1.jsonl, row 2: the label 'd' is not in the la"):
        set_up(root)


@pytest.mark.parametrize("label", ["Surprise", "surpris", "su"])
def test_a_label_map_that_renames_nothing_is_refused_with_the_names(root, label):
    message = rf"renames \['{label}'\], .* it has \['angry', .*'surprise'\]"
    with pytest.raises(ConfigError, match=message):
        set_up(root, label_map={label: "other"})
    with pytest.raises(ConfigError, match=message):
        set_up(root, label_map={label: "other"}, labels=["angry", "other"])
    assert "other" in set_up(root, label_map={"surprise": "other"}).taxonomy


def test_labels_in_other_case_and_odd_spellings_are_found(tmp_path):
    stems = [f"{who}a01{x}a" for who in ("03", "08", "09", "10") for x in "NL"]
    spelled = {"N": "neutral", "L": "boredem"}
    rows = [row("emodb", stem, f"wav/{stem}.wav", spelled[stem[5]]) for stem in stems]
    small(tmp_path, "emodb", rows, {"Neutral": "Neutral", "boredem": "Boredom"}, test=2)
    corpus = set_up(tmp_path, "emodb")
    assert corpus.taxonomy.labels == ("neutral", "boredom")
    assert {clip.label for clip in corpus.clips("test")} == {"neutral", "boredom"}


def test_no_feelings_are_dropped_and_counted_unless_named(tmp_path):
    rows = [row("mine", f"{i}", f"{i}.wav", "NOX"[i % 3]) for i in range(30)]
    names = {"N": "Neutral", "O": "Other", "X": "No-agreement"}
    small(tmp_path, "mine", rows, names, test=3)
    corpus = set_up(tmp_path, "mine", speaker_independent=False)
    assert corpus.taxonomy.labels == ("neutral",)
    assert corpus.censuses[0].dropped == {"other": 10, "no-agreement": 10}
    assert "validation is drawn out of EmoBox's training part, clip by clip" in str(
        corpus.censuses[0]
    )
    both = set_up(tmp_path, "mine", labels=["neutral", "other"], speaker_independent=False)
    assert both.censuses[0].dropped == {"no-agreement": 10}


def test_lists_that_mix_speakers_or_tell_none_must_be_allowed(tmp_path):
    rows = [row("urdu", f"SM{i % 3}_F{i}_N0{i}", f"Neutral/{i}.wav", "N") for i in range(9)]
    small(tmp_path, "urdu", rows, {"N": "Neutral"}, test=3)
    with pytest.raises(CorpusError, match=r"'urdu' are not speaker-independent: SM0 in"):
        set_up(tmp_path, "urdu")
    corpus = set_up(tmp_path, "urdu", speaker_independent=False)
    assert "not speaker-independent" in str(corpus.censuses[0])
    with pytest.raises(CorpusError, match=r"The id 'SM0_F0_N00' .* by the pattern 'Q'. Set `spea"):
        set_up(tmp_path, "urdu", speaker="Q")


def test_the_speaker_of_iemocap_is_session_and_last_letter():
    corpus = EmoBox("iemocap")
    assert corpus._speaker("Ses01F_impro01_M003") == "Ses01M"
    assert corpus._speaker("Ses05M_script03_1_F033") == "Ses05F"
    assert EmoBox("mine", speaker=r"^\w+?(?=\d)")._speaker("ann12") == "ann"


def test_segments_of_one_file_are_clips_of_their_own(tmp_path):
    write_map(tmp_path / "emobox", "talk", {"a": "Angry"})
    rows = [
        row("talk", f"{i}", "long.wav", "a", start_time=i * 0.1, end_time=(i + 1) * 0.1)
        for i in range(4)
    ]
    write_list(tmp_path / "emobox", "talk", "train", 1, rows[:1])
    write_list(tmp_path / "emobox", "talk", "test", 1, rows[1:])
    write_tone(tmp_path / "talk" / "long.wav", 0.4)
    corpus = set_up(tmp_path, "talk", speaker_independent=False)
    assert [clip.start for clip in corpus.clips("test")] == pytest.approx([0.1, 0.2, 0.3])
    assert [clip.seconds for clip in corpus.clips("test")] == pytest.approx([0.1] * 3)
    (batch,) = corpus.test_dataloader()
    assert [len(wave) for wave in batch.waveforms] == [1600] * 3


def test_ravdess_by_its_lists_beside_ravdess_itself_is_refused():
    with pytest.raises(ConfigError, match=r"several corpora named \['ravdess'\]"):
        Mixture([Ravdess(), EmoBox("ravdess")])


def listed(shared, dataset, part, fold):
    folder = shared / "annotations" / "emobox" / dataset / f"fold_{fold}"
    lines = (folder / f"{dataset}_{part}_fold_{fold}.jsonl").read_text().splitlines()
    return {row["key"].removeprefix(f"{dataset}-"): row["length"] for row in map(json.loads, lines)}


def real(shared, dataset, fold, **settings):
    root = shared / "corpora"
    return set_up(root, dataset, fold=fold, lists="../annotations/emobox", **settings)


def check_against_the_lists(shared, corpus):
    (census,) = corpus.censuses
    assert (census.skipped, census.dropped, census.outside) == ((), {}, 0)
    for part, splits in (("test", ("test",)), ("train", ("train", "val"))):
        clips = [clip for split in splits for clip in corpus.clips(split)]
        lengths = listed(shared, corpus.name, part, corpus.fold)
        assert {clip.id for clip in clips} == set(lengths)
        assert all(abs(clip.seconds - lengths[clip.id]) < 1e-4 for clip in clips)
    held = {clip.speaker for clip in corpus.clips("val")}
    assert held
    assert held.isdisjoint({clip.speaker for clip in corpus.clips("train")})


def test_the_real_audio_of_all_listed_ravdess_is_found_with_ravdess_own_labels(shared):
    for fold in range(1, 7):
        corpus = real(shared, "ravdess", fold, prefixes=REAL)
        check_against_the_lists(shared, corpus)
        own = Ravdess(fold=fold)
        clips = own.partition(list(own.read(shared / "corpora" / "ravdess")))
        known = {clip.id: (clip.label, clip.speaker) for clip in clips if clip.split == "test"}
        assert {c.id: (c.label, c.speaker) for c in corpus.clips("test")} == known


def test_the_real_audio_of_all_listed_urdu_is_found(shared):
    check_against_the_lists(shared, real(shared, "urdu", 1, speaker_independent=False))


@pytest.mark.parametrize(
    ("dataset", "independent"),
    [("savee", True), ("iemocap", True), ("emodb", False), ("tess", False),
     ("cremad", False), ("turevdb", False), ("urdu", False)],
)  # fmt: skip
def test_which_lists_keep_speakers_apart(shared, dataset, independent):
    corpus = EmoBox(dataset, lists=str(shared / "annotations" / "emobox"))
    for fold in corpus.folds.numbers:
        splits = corpus.folds.splits(fold, lambda row: row.id)
        heard = {
            part: {corpus._speaker(name) for name, split in splits.items() if split == part}
            for part in ("train", "test")
        }
        assert heard["train"].isdisjoint(heard["test"]) is independent


def test_every_real_list_can_be_read_and_its_labels_counted(shared):
    summary = json.loads((shared / "reference" / "emobox_folds_summary.json").read_text())
    lists = shared / "annotations" / "emobox"
    for dataset in sorted(path.name for path in lists.iterdir() if (path / "fold_1").is_dir()):
        corpus = EmoBox(dataset, lists=str(lists))
        labels = {row.id: row.label for row in corpus.folds.rows()}
        for fold in corpus.folds.numbers:
            splits = corpus.folds.splits(fold, lambda row: row.id)
            counts = Counter(labels[name] for name, split in splits.items() if split == "test")
            known = summary[dataset]["folds"][str(fold)]["test"]
            if dataset != "esd":  # here stand 300 lines of its 7,000
                assert sum(counts.values()) == known["n"]
                assert sorted(counts.values()) == sorted(merged(known["labels"], corpus).values())


def merged(labels, corpus):
    names = {raw.casefold(): name for raw, name in corpus.folds.names.items()}
    found = Counter()
    for raw, number in labels.items():
        found[names[raw.casefold()]] += number
    return found


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_are_found_however_their_accents_are_written(tmp_path, form):
    keys = [f"Oréau{who}_{number}" for who in "abc" for number in "123"]
    listed = [row("oreau", key, f"Oréau/{key}.wav", "an") for key in keys]
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    listed = [json.loads(normalize(other, json.dumps(r, ensure_ascii=False))) for r in listed]
    write_map(tmp_path / "emobox", "oreau", {"an": "Anger"})
    write_list(tmp_path / "emobox", "oreau", "train", 1, listed[:6])
    write_list(tmp_path / "emobox", "oreau", "test", 1, listed[6:])
    for number, key in enumerate(keys):
        suffix = ".flac" if number == 7 else ".wav"
        write_tone(tmp_path / "oreau" / normalize(form, f"Oréau/{key}{suffix}"))
    corpus = set_up(tmp_path, "oreau", speaker=r"Or.+u(\w)_")
    assert [clip.label for clip in corpus.clips("test")] == ["angry"] * 3
    assert normalize("NFC", corpus.clips("test")[1].path) == "Oréau/Oréauc_2.flac"


def test_linked_folders_are_looked_into(root):
    (root / "savee").rename(root / "elsewhere")
    (root / "savee").mkdir()
    (root / "savee" / "audio").symlink_to(root / "elsewhere")
    (root / "savee" / "audio" / "JE_a03.wav").rename(root / "savee" / "audio" / "JE_a03.aif")
    corpus = set_up(root, prefixes={"downloads/savee/": "audio"})
    assert corpus.clips("test")[1].path == "audio/JE_d03.wav"
    assert corpus.clips("test")[0].path == "audio/JE_a03.aif"


def test_names_that_no_other_corpus_has_are_told(root, caplog):
    write_map(root / "emobox", "savee", {**SAVEE, "n": "Serene", "h": "Joy"})
    with caplog.at_level("INFO"):
        set_up(root)
    assert "savee: the label map has ['serene'], names that no other corpus has" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        set_up(root, label_map={"serene": "calm"})
    assert "no other corpus" not in caplog.text
