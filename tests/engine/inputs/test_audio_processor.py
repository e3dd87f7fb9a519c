"""The audio half of a processor reads a folder without its other half."""

import json

import pytest
import torch

from emolit.engine.inputs.audio_processor import load_audio_processor
from emolit.errors import PolicyError
from tests.fakes.models import save, tokenizer, turns


@pytest.fixture
def folder(tmp_path):
    from transformers import WhisperFeatureExtractor

    words = tokenizer(("<|AUDIO|>",), turns("<|AUDIO|>"))
    return save(tmp_path, words, WhisperFeatureExtractor(feature_size=20, chunk_length=1))


def chat(question):
    content = [{"type": "audio", "audio": "clip"}, {"type": "text", "text": question}]
    return [{"role": "user", "content": content}]


def rendered(hearing, question="Well?"):
    return hearing.apply_chat_template(chat(question), add_generation_prompt=True, tokenize=False)


def test_each_clip_gets_its_own_number_of_audio_tokens_behind_left_padding(folder):
    hearing = load_audio_processor(str(folder))
    inputs = hearing.read([rendered(hearing)] * 2, "<|AUDIO|>", torch.tensor([3, 5]))
    audio = hearing.tokenizer.convert_tokens_to_ids("<|AUDIO|>")
    assert (inputs["input_ids"] == audio).sum(-1).tolist() == [3, 5]
    assert inputs["attention_mask"][0].tolist()[:3] == [0, 0, 1]
    assert set(inputs) == {"input_ids", "attention_mask"}


@pytest.mark.parametrize("written", ["<bos>", ""])
def test_a_text_begins_once_whether_template_or_tokenizer_writes_it(tmp_path, written):
    from tokenizers.processors import TemplateProcessing
    from transformers import WhisperFeatureExtractor

    words = tokenizer(("<|AUDIO|>", "<bos>"), written + turns("<|AUDIO|>"), {"bos_token": "<bos>"})
    words.backend_tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", words.bos_token_id)]
    )
    assert words.encode("Well?")[0] == words.bos_token_id
    hearing = load_audio_processor(
        str(save(tmp_path, words, WhisperFeatureExtractor(feature_size=20)))
    )
    inputs = hearing.read([rendered(hearing)], "<|AUDIO|>", torch.tensor([3]))
    row = inputs["input_ids"][0].tolist()
    assert row[0] == words.bos_token_id
    assert row.count(words.bos_token_id) == 1


def test_a_chat_without_its_placeholder_or_with_two_is_refused(folder):
    hearing = load_audio_processor(str(folder))
    for text, count in (("Well?", 0), (rendered(hearing, "<|AUDIO|>?"), 2)):
        with pytest.raises(PolicyError, match=rf"{count} audio placeholders '<\|AUDIO\|>'"):
            hearing.read([text], "<|AUDIO|>", torch.tensor([3]))


def test_the_template_may_stand_beside_the_processor_as_in_old_releases(folder, tmp_path):
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(PolicyError, match="no chat template"):
        rendered(load_audio_processor(str(folder)))
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": turns("<|AUDIO|>")}))
    hearing = load_audio_processor(str(folder))
    assert rendered(hearing).count("<|AUDIO|>") == 1
    hearing.save_pretrained(tmp_path / "copy")
    assert rendered(load_audio_processor(str(tmp_path / "copy"))) == rendered(hearing)


def test_a_folder_without_feature_extractor_is_named(folder):
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(PolicyError, match="No feature extractor and tokenizer load"):
        load_audio_processor(str(folder))
