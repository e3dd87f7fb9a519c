import re
from collections import Counter
from unicodedata import normalize

import pytest
import soundfile
import yaml

from emolit.corpora.manifest import Manifest
from emolit.data.dataset import LoaderSettings
from emolit.errors import AudioError, ConfigError, CorpusError
from emolit.prompts.open_vocabulary import OpenVocabulary
from tests.fakes.listing import ROWS, write_listing, write_table, write_tone


def set_up(folder, path="mine.csv", **settings):
    corpus = Manifest(path, root=str(folder), **settings)
    corpus.prepare_data()
    corpus.setup()
    return corpus


def served(corpus):
    return [clip for split in ("train", "val", "test") for clip in corpus.clips(split)]


def rows(**changes):
    """Return the rows with other values in row 3 of the file, that is the second clip."""
    return [{**row, **(changes if number == 1 else {})} for number, row in enumerate(ROWS)]


@pytest.mark.parametrize("name", ["mine.csv", "mine.tsv", "mine.jsonl"])
def test_every_column_finds_its_field(tmp_path, name):
    full = {
        "id": "0007",
        "path": "wav/a.wav",
        "label": "sad",
        "speaker": "ann",
        "split": "test",
        "transcript": 'Well, "fine" then.',
        "caption": "She sighs.",
    }
    others = [{**full, "id": "8", "path": "wav/b.wav", "speaker": "bob", "split": "dev"}]
    others += [{**full, "id": "9", "path": "wav/c.wav", "speaker": "cid", "split": " Train "}]
    write_listing(tmp_path, [full, *others], name)
    corpus = set_up(tmp_path, name)
    (clip,) = corpus.clips("test")
    assert (clip.id, clip.corpus, clip.path) == ("0007", "mine", "wav/a.wav")
    assert (clip.label, clip.speaker, clip.transcript) == ("sad", "ann", 'Well, "fine" then.')
    assert clip.captions == ("She sighs.",)
    assert clip.seconds == 0.05
    assert [clip.id for clip in corpus.clips("val") + corpus.clips("train")] == ["8", "9"]
    assert corpus.taxonomy.labels == ("sad",)


def test_path_and_label_are_enough_where_speakers_may_be_shared(tmp_path):
    bare = [{"path": row["path"], "label": row["label"]} for row in ROWS]
    write_listing(tmp_path, bare)
    corpus = set_up(tmp_path, speaker_independent=False)
    assert corpus.censuses[0].counts == {"train": 10, "val": 2, "test": 3}
    assert not corpus.censuses[0].speaker_independent
    assert {clip.id for clip in served(corpus)} == {row["path"] for row in ROWS}
    with pytest.raises(CorpusError, match="neither `split` nor a speaker for 15 clips"):
        set_up(tmp_path)


def test_without_splits_speakers_are_kept_apart_the_same_way_every_time(tmp_path):
    write_listing(tmp_path)
    splits = {clip.id: clip.split for clip in served(set_up(tmp_path))}
    assert Counter(splits.values()) == {"train": 9, "val": 3, "test": 3}
    write_listing(tmp_path, ROWS[::-1])
    again = set_up(tmp_path)
    assert {clip.id: clip.split for clip in served(again)} == splits
    assert again.censuses[0].speaker_independent


def test_two_speakers_are_too_few_for_three_splits(tmp_path):
    write_listing(tmp_path, ROWS[:6])
    with pytest.raises(CorpusError, match=r"There are 2 speakers in .*mine\.csv, too few"):
        set_up(tmp_path)


def test_splits_that_share_a_speaker_are_refused_unless_that_is_allowed(tmp_path):
    splits = ("train", "val", "test")
    write_listing(tmp_path, [{**row, "split": splits[k % 3]} for k, row in enumerate(ROWS)])
    with pytest.raises(CorpusError, match="'mine' are not speaker-independent: a in test and"):
        set_up(tmp_path)
    assert not set_up(tmp_path, speaker_independent=False).censuses[0].speaker_independent


@pytest.mark.parametrize("name", ["mine.csv", "mine.jsonl"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_byte_order_mark_line_ends_and_names_in_any_script_change_nothing(
    tmp_path, name, bom, end
):
    table = write_listing(tmp_path, rows(path="wav/ärger, 怒り.wav", speaker="Łukasz"), name)
    text = table.read_text(encoding="utf-8")
    table.write_bytes((bom + text.replace("\n", end) + end + end).encode())
    clip = next(
        clip for clip in Manifest(name, root=str(tmp_path)).parse_rows if len(clip.path) > 10
    )
    assert (clip.path, clip.speaker) == ("wav/ärger, 怒り.wav", "Łukasz")
    assert len(served(set_up(tmp_path, name))) == 15


@pytest.mark.parametrize(("listed", "stored"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_is_found_however_its_accents_are_composed(tmp_path, listed, stored):
    table = write_listing(tmp_path, rows(path=normalize(listed, "wav/über.wav")))
    (tmp_path / normalize(listed, "wav/über.wav")).unlink()
    write_tone(tmp_path / normalize(stored, "wav/über.wav"))
    assert table.exists()
    assert len(served(set_up(tmp_path))) == 15


@pytest.mark.parametrize(("name", "number"), [("mine.csv", 3), ("mine.jsonl", 2)])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "furious"}, r"the label 'furious' is unknown\. Map it with `label_map`"),
        ({"label": " "}, r"there is neither 'label' nor 'caption', .*'valence'\. Fill one"),
        ({"path": ""}, r"'path' is empty\. Fill it in"),
        ({"path": "wav/a0.wav"}, r"the id 'wav/a0\.wav' stands in row \d already\. Give"),
        ({"path": "../out.wav"}, r"the path '\.\./out\.wav' lies outside .*\. Move .* set `root`"),
        ({"path": "a/../../b.wav"}, r"the path 'a/\.\./\.\./b\.wav' lies outside"),
        ({"path": "/etc/out.wav"}, r"the path '/etc/out\.wav' lies outside"),
        ({"split": ""}, r"'split' is empty, other rows have one\. Fill it in"),
        ({"split": "trian"}, r"the split 'trian' is unknown\. Use one of train, val"),
    ],
)
def test_a_wrong_row_is_named_with_file_row_value_and_the_next_step(
    tmp_path, name, number, changes, message
):
    write_table(tmp_path / name, [{"split": "test", **row} for row in rows(**changes)])
    with pytest.raises(CorpusError, match=rf"/{name}, row {number}: {message}"):
        set_up(tmp_path, name)


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path):
    (tmp_path / "mine.csv").write_text("file,label\na.wav,sad\n")
    message = r"mine\.csv, row 1: the column 'path' is missing; there are \['file', 'label'\]"
    with pytest.raises(CorpusError, match=message):
        set_up(tmp_path)
    (tmp_path / "mine.jsonl").write_text('{"path": "a.wav"}\n')
    with pytest.raises(CorpusError, match=r"mine\.jsonl, row 1: there is neither 'label' nor"):
        set_up(tmp_path, "mine.jsonl")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"path,label\n", "has no rows"),
        ("a.csv", b"", "has no rows"),
        ("a.csv", b"path;label\nx;sad\n", r"'path' is missing; there are \['path;label'\]. Sep"),
        ("a.csv", b"path,label\nx.wav,sad,one,two\n", "row 2: 4 fields under 2 columns"),
        ("a.csv", b'path,label\n"x.wav,sad\n', "row 2: the row is malformed"),
        ("a.csv", b"path,label,path\nx,sad,y\n", r"columns \['path'\] stand there more than once"),
        ("a.csv", "path,label\nü.wav,sad\n".encode("latin-1"), "not UTF-8 at byte 11"),
        ("a.csv", "path,label\nü.wav,sad\n".encode("utf-16"), "not UTF-8 at byte 0"),
        ("a.jsonl", b'{"path": "x.wav", "label": "sad"\n', "row 1: the row is no JSON"),
        ("a.jsonl", b'["x.wav", "sad"]\n', "row 1: the row is no JSON object"),
        ("a.jsonl", b'{"path": "x.wav", "label": ["sad"]}\n', r"'label' is \['sad'\], which is no"),
        ("a.xlsx", b"PK", "is none of .csv, .tsv, .jsonl"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_reason(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=rf"{name}.*{message}"):
        set_up(tmp_path, name)


def test_a_missing_file_is_refused_with_the_path_looked_for(tmp_path):
    with pytest.raises(CorpusError, match=r"The table .*/nowhere/mine\.csv is missing"):
        set_up(tmp_path / "nowhere")


def test_an_absolute_path_below_the_root_is_read_and_one_above_the_manifest_too(tmp_path):
    data = rows(path=str(tmp_path / "wav" / "b.wav"))
    write_listing(tmp_path, data)
    below = [{**row, "path": f"../wav/{str(row['path'])[4:]}"} for row in ROWS]
    (tmp_path / "lists").mkdir()
    table = write_listing(tmp_path / "lists", below)
    assert {clip.path for clip in served(set_up(tmp_path, "lists/mine.csv"))} == {
        row["path"] for row in ROWS
    }
    assert "wav/b.wav" in {clip.path for clip in served(set_up(tmp_path))}
    with pytest.raises(CorpusError, match="lies outside"):
        set_up(tmp_path / "elsewhere", str(table))


def test_an_absolute_manifest_outside_the_root_brings_its_own_folder(tmp_path):
    table = write_listing(tmp_path)
    corpus = set_up("data", str(table))
    assert corpus.location == tmp_path
    assert len(served(corpus)) == 15


def test_labels_of_the_user_and_mapped_ones_are_known_in_any_case(tmp_path):
    write_listing(tmp_path, [{**row, "label": "Wut"} if k % 3 == 0 else
                             {**row, "label": str(row["label"]).upper()}
                             for k, row in enumerate(ROWS)])  # fmt: skip
    corpus = set_up(tmp_path, label_map={"Wut": "angry"})
    assert corpus.taxonomy.labels == ("angry", "happy", "sad")
    write_listing(tmp_path, rows(label="bored to death"))
    corpus = set_up(tmp_path, labels=["bored to death", "sad"])
    assert corpus.taxonomy.labels == ("bored to death", "sad")
    assert corpus.censuses[0].dropped == {"angry": 5, "happy": 5}


@pytest.mark.parametrize("label", ["Calm", "calm", "CALM"])
def test_a_label_map_counts_in_any_case(tmp_path, label):
    names = ["calm", "Calm", "cAlM"]
    data = [
        {**row, "label": names[k // 3]} if k % 3 == 0 else row for k, row in enumerate(ROWS[:9])
    ]
    write_listing(tmp_path, [*data, *ROWS[9:]])
    corpus = set_up(tmp_path, label_map={label: "neutral"})
    assert Counter(clip.label for clip in served(corpus)) == {
        "neutral": 3, "angry": 2, "sad": 5, "happy": 5,
    }  # fmt: skip


def test_a_label_map_that_renames_nothing_is_refused(tmp_path):
    write_listing(tmp_path)
    message = (
        r"`label_map` of 'mine' renames \['clam'\], which no row of .* \['angry', 'happy', 'sad'\]"
    )
    with pytest.raises(ConfigError, match=message):
        set_up(tmp_path, label_map={"clam": "neutral", "sad": "happy"})
    write_listing(tmp_path, [{"path": "a.wav", "caption": "Low.", "split": "test"}])
    with pytest.raises(ConfigError, match=r"renames \['sad'\]"):
        set_up(tmp_path, label_map={"sad": "happy"})


def test_all_unknown_labels_are_named_at_once_and_what_they_mean_is_left_open(tmp_path):
    odd = {1: "anger", 4: "0", 5: "anger", 7: "it's"}
    write_listing(
        tmp_path, [{**row, "label": odd.get(k, row["label"])} for k, row in enumerate(ROWS)]
    )
    with pytest.raises(CorpusError) as raised:
        set_up(tmp_path)
    said = str(raised.value)
    assert "row 3: the label 'anger' is unknown, and so are '0' (row 6), \"it's\" (row 9)." in said
    assert "`label_map`: {'anger': …, '0': …, \"it's\": …}, with what is meant in place" in said
    found = yaml.safe_load(re.search(r"\{.*?\}", said).group().replace("…", "sad"))
    assert set_up(tmp_path, label_map=found).taxonomy.labels == ("angry", "happy", "sad")


def test_spellings_of_one_speaker_are_one_person_when_clips_are_split(tmp_path):
    spelled = {"a": ["Anna", "anna", "ANNA"], "b": ["01", "1", "1.0"],
               "c": ["Jörg", normalize("NFD", "Jörg"), "jörg"]}  # fmt: skip
    data = [{**row, "speaker": spelled.get(row["speaker"], [row["speaker"]] * 3)[k % 3]}
            for k, row in enumerate(ROWS)]  # fmt: skip
    write_listing(tmp_path, data)
    corpus = set_up(tmp_path)
    splits = {row["speaker"]: set() for row in ROWS}
    for clip in served(corpus):
        splits[clip.path[4]].add(clip.split)
    assert {len(found) for found in splits.values()} == {1}
    assert corpus.censuses[0].counts == {"train": 9, "val": 3, "test": 3}
    three = ("train", "val", "test")
    write_listing(tmp_path, [{**row, "split": three[k % 3]} for k, row in enumerate(data)])
    with pytest.raises(CorpusError, match=r"01 or 1 or 1\.0 in test and train and val"):
        set_up(tmp_path)


def test_interruptions_that_our_split_would_part_are_refused(tmp_path):
    write_tone(tmp_path / "talk.wav", 1.0)
    data = [{"id": str(k), "path": "talk.wav", "label": "sad", "speaker": str(k),
             "start": 0.2 * k, "end": 0.2 * k + 0.25} for k in range(4)]  # fmt: skip
    write_table(tmp_path / "mine.csv", data)
    with pytest.raises(CorpusError, match=r"row \d: the recording 'talk.wav' stands in row \d"):
        set_up(tmp_path)
    write_table(tmp_path / "mine.csv", [{**row, "split": "test"} for row in data])
    assert len(served(set_up(tmp_path))) == 4


def test_a_listed_wav_that_lies_there_as_flac_is_read(tmp_path):
    write_listing(tmp_path)
    for path in (tmp_path / "wav").iterdir():
        content, rate = soundfile.read(path)
        soundfile.write(path.with_suffix(".flac"), content, rate)
        path.unlink()
    assert {clip.path[-5:] for clip in served(set_up(tmp_path))} == {".flac"}


def test_captions_may_be_a_list_and_other_columns_are_named_in_the_log(tmp_path, caplog):
    data = rows(captions=["One.", "Two."], arousal=0.5)
    write_listing(tmp_path, data, "mine.jsonl")
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        corpus = set_up(tmp_path, "mine.jsonl")
    assert ("One.", "Two.") in {clip.captions for clip in served(corpus)}
    assert "columns ['arousal']" in caplog.text


def test_changing_the_file_changes_the_clips(tmp_path):
    write_listing(tmp_path)
    set_up(tmp_path)
    write_listing(tmp_path, rows(label="fear"))
    labels = Counter(clip.label for clip in served(set_up(tmp_path)))
    assert labels == {"angry": 5, "sad": 4, "happy": 5, "fear": 1}


@pytest.mark.parametrize(
    ("path", "name"), [("a/Mine 2.csv", "mine_2"), ("ä.jsonl", "ä"), ("-.csv", "manifest")]
)
def test_the_name_in_log_keys_is_that_of_the_file_unless_given(path, name):
    assert Manifest(path).names == (name,)
    assert Manifest(path, name="other").names == ("other",)


def test_a_label_left_out_or_a_broken_file_moves_no_clip_to_another_split(tmp_path):
    write_listing(tmp_path)
    before = {clip.id: clip.split for clip in served(set_up(tmp_path))}
    fewer = {clip.id: clip.split for clip in served(set_up(tmp_path, labels=["angry", "sad"]))}
    assert len(fewer) == 10
    assert fewer.items() <= before.items()
    (tmp_path / str(ROWS[0]["path"])).write_bytes(b"")
    less = set_up(tmp_path, loading=LoaderSettings(on_bad_audio="skip"))
    assert len(served(less)) == 14
    assert {clip.id: clip.split for clip in served(less)}.items() <= before.items()


def test_another_label_map_reads_the_labels_anew(tmp_path):
    """Nothing is kept of what an earlier run has read."""
    spelled = [{**row, "label": row["label"].capitalize()} for row in ROWS]
    write_listing(tmp_path, spelled)
    mapped = {label: label.upper() for label in {row["label"] for row in spelled}}
    assert {clip.label.isupper() for clip in served(set_up(tmp_path, label_map=mapped))} == {True}
    after = set_up(tmp_path)
    assert {clip.id: clip.label for clip in served(after)} == {
        row.get("id") or row["path"]: row["label"] for row in ROWS
    }
    assert after.censuses[0].dropped == {}


def test_a_caption_takes_the_place_of_a_label(tmp_path):
    speakers = [{"path": f"wav/{who}.wav", "speaker": who} for who in "abcd"]
    write_listing(tmp_path, [{**row, "caption": f" 声音{row['speaker']} "} for row in speakers])
    corpus = set_up(tmp_path)
    assert corpus.taxonomy.labels == ()
    assert {(clip.label, clip.captions) for clip in served(corpus)} == {
        (None, (f"声音{who}",)) for who in "abcd"
    }


def test_words_and_valence_take_the_place_of_a_label(tmp_path):
    truths = ({"openset": "['Glad', 'proud']"}, {"valence": "-0.5"}, {"openset": "[]"})
    write_listing(
        tmp_path,
        [{"openset": "", "valence": "", **truth, "path": f"wav/{k}.wav", "speaker": k}
         for k, truth in enumerate(truths)],
    )  # fmt: skip
    corpus = set_up(tmp_path)
    assert corpus.taxonomy.labels == ()
    assert sorted((clip.path, clip.words, clip.sentiment) for clip in served(corpus)) == [
        ("wav/0.wav", ("glad", "proud"), None),
        ("wav/1.wav", (), -0.5),
        ("wav/2.wav", ("neutral",), None),
    ]


def test_words_and_reason_of_a_table_are_what_a_model_shall_answer(tmp_path):
    row = {"openset": "['glad', 'proud']", "reason": "She laughs."}
    write_listing(tmp_path, [{**row, "path": f"{who}.wav", "speaker": who} for who in "abc"])
    corpus = set_up(
        tmp_path, loading=LoaderSettings(batch_size=1), prompt=OpenVocabulary(think=True)
    )
    (batch,) = corpus.train_dataloader()
    assert batch.options == ()
    assert batch.targets == ("<think>She laughs.</think><answer>glad, proud</answer>",)


def test_several_clips_may_be_parts_of_one_file(tmp_path):
    write_tone(tmp_path / "wav" / "talk.wav", 0.3)
    rows = [
        {"id": who, "path": "wav/talk.wav", "label": "sad", "speaker": who, "start": start,
         "end": start + 0.1}
        for who, start in (("a", 0.0), ("b", 0.1), ("c", 0.2))
    ]  # fmt: skip
    write_table(tmp_path / "mine.csv", rows)
    clips = served(set_up(tmp_path))
    assert {(clip.id, clip.start, clip.seconds) for clip in clips} == {
        ("a", 0.0, 0.1), ("b", 0.1, 0.1), ("c", 0.2, 0.1),
    }  # fmt: skip
    rows[2]["end"] = 9
    write_table(tmp_path / "mine.csv", rows)
    with pytest.raises(AudioError, match=r"lasts 0\.30 s; .* from 0\.20 s to 9\.00 s"):
        set_up(tmp_path)


@pytest.mark.parametrize("path", ["mine.csv", "~/clips/mine.csv"])
def test_a_root_in_ones_home_is_found_and_labels_that_are_numbers_can_be_mapped(
    tmp_path, monkeypatch, path
):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "clips").mkdir()
    rows = "".join(f"{i}.wav,{i % 2},s{i},train\n" for i in range(4))
    (tmp_path / "clips" / "mine.csv").write_text("path,label,speaker,split\n" + rows)
    corpus = Manifest(path, root="~/clips", label_map={"0": "angry", "1": "sad"})
    assert corpus.taxonomy.labels == ("angry", "sad")
    assert corpus.location == tmp_path / "clips"


NAMED = {"path": "wav", "label": "emo", "speaker": "who"}


def write_named(folder, name="mine.csv", **others):
    write_listing(folder)
    foreign = [{NAMED[key]: value for key, value in row.items()} | others for row in ROWS]
    return write_table(folder / name, foreign)


@pytest.mark.parametrize("name", ["mine.csv", "mine.tsv", "mine.jsonl"])
def test_columns_of_other_names_are_the_same_clips(tmp_path, name):
    write_listing(tmp_path, name=name)
    plain = served(set_up(tmp_path, name))
    write_named(tmp_path, name, label="7")
    assert served(set_up(tmp_path, name, columns=NAMED)) == plain


def test_columns_that_match_nothing_are_refused(tmp_path):
    write_named(tmp_path)
    with pytest.raises(ConfigError, match=r"takes \['emotion'\], which .*mine\.csv does not have"):
        set_up(tmp_path, columns={**NAMED, "label": "emotion"})
    with pytest.raises(ConfigError, match=r"names \['emo'\], which emolit does not read"):
        set_up(tmp_path, columns={"emo": "label"})
    with pytest.raises(
        CorpusError, match=r"the column 'audio' is missing; there are \['wav', 'emo'"
    ):
        set_up(tmp_path, columns={**NAMED, "path": "audio"})


def test_a_column_that_seems_to_be_one_of_ours_may_be_none(tmp_path):
    write_named(tmp_path, offset=3)
    with pytest.raises(
        CorpusError, match=r"'offset' would not be used.*\{start: offset\}, or \{sta"
    ):
        set_up(tmp_path, columns=NAMED)
    assert len(served(set_up(tmp_path, columns={**NAMED, "start": None}))) == 15
