"""JSONs of EmotionTalk in every layout that may come, and marks in every spelling that did."""

import json

import pytest

from emolit.data.emotion_talk_json import UtteranceFiles, kind_of, leaves, marks, remove_marks
from emolit.errors import CorpusError
from emolit.files.table import read_table

VARIANTS = {
    "speaker": ["年轻男声"],
    "style": ["语速慢"],
    "emotion": ["很悲伤"],
    "overall": ["他很悲伤", "他难过", "他很悲伤"],
}
ALL = [(kind, text) for kind, some in VARIANTS.items() for text in some]
LAYOUTS = {
    "lists by kind": VARIANTS,
    "numbered": {f"{kind}_{place}": text for place, (kind, text) in enumerate(ALL)},
    "objects": {kind: {"first": some[0], "more": some[1:]} for kind, some in VARIANTS.items()},
    "objects in a list": [{"type": kind, "caption": text} for kind, text in ALL],
    "JSON in a text": json.dumps(VARIANTS),
    "below another key": {
        "captions": {"speaking_style": VARIANTS["style"], "overall_caption": VARIANTS["overall"]}
    },
    "Chinese keys": {"整体描述": VARIANTS["overall"], "说话风格": VARIANTS["style"]},
}


def below(folder, source):
    folder.mkdir(exist_ok=True)
    (folder / "a.json").write_text(
        json.dumps({"file_path": "x/../G1_2_3_4.wav", "sourceAttr": source})
    )
    return UtteranceFiles.below(folder)


@pytest.mark.parametrize("source", LAYOUTS.values(), ids=LAYOUTS)
def test_captions_are_found_in_every_layout_and_each_once(tmp_path, source):
    told = below(tmp_path, source)
    assert told.captions("overall") == {"G1_2_3_4": ("他很悲伤", "他难过")}
    assert told.captions("style") == {"G1_2_3_4": ("语速慢",)}


@pytest.mark.parametrize("source", [None, {}, [], "他很悲伤", {"text": ["他很悲伤"]}, 3])
def test_captions_of_no_kind_are_refused_with_the_keys_there_are(tmp_path, source):
    with pytest.raises(
        CorpusError, match=r"No caption of the kind 'overall'.*'file_path'.*'sourceAttr"
    ):
        below(tmp_path, source).captions("overall")


def test_the_keys_are_told_with_those_inside():
    told = UtteranceFiles(
        None, {"a": {"sourceAttr": {"style": ["x"]}, "data": []}, "b": {"content": "y"}}
    )
    assert told.keys() == ["content", "data", "sourceAttr", "sourceAttr/style"]


def test_a_caption_that_only_looks_like_a_name_or_json_is_a_caption():
    assert [*leaves({"style": "[拖长]慢", "emotion": "情感"})] == [(("情感", "style"), "[拖长]慢")]
    assert kind_of(("情感", "style")) == "style"


def test_an_emotion_that_is_no_text_is_refused_with_its_keys(tmp_path):
    (tmp_path / "b.json").write_text('{"emotion_result": {"a": 1}, "data": []}')
    with pytest.raises(
        CorpusError, match=r"emotion of 'b'.*no text; its keys are \['emotion_result', 'data'\]"
    ):
        UtteranceFiles.below(tmp_path).emotions()


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(CorpusError, match=r"b.json is no JSON"):
        UtteranceFiles.below(tmp_path)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("[over/]还给他点[/over]饭。", "还给他点饭。"),
        ("我[over][interrupted]走[[/over]了[/over/]", "我走了"),
        ("[over/蓝，你感觉]好", "蓝，你感觉好"),
        ("然后[interrupted]/over]。[over[/over]]", "然后。"),
        ("[laughing]哈哈[Sobbing][crying][screaming]", "哈哈"),
        ("game over 了", "game over 了"),
    ],
)
def test_marks_go_and_words_stay(text, plain):
    assert remove_marks(text) == plain


def test_the_real_transcripts_keep_no_mark(shared):
    rows = read_table(
        shared / "annotations" / "emotiontalk" / "transcription.csv", ("name", "chinese")
    )
    texts = [row.required("chinese") for row in rows]
    assert sum(bool(marks(text)) for text in texts) == 9137
    assert not any(
        set("[]") & set(remove_marks(text)) or "over" in remove_marks(text) for text in texts
    )
