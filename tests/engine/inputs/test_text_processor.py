"""The half of a processor that reads."""

import pytest
import torch

from emolit.engine.inputs.text_processor import TextProcessor, load_text_processor
from emolit.errors import PolicyError
from tests.fakes.models import tokenizer, turns


def test_texts_are_padded_on_the_left_and_saved_with_their_template(tmp_path):
    reading = TextProcessor(tokenizer((), turns("")))
    found = reading.encode(["sad", "sad and happy"])
    lengths = [len(reading.tokenizer.encode(text)) for text in ("sad", "sad and happy")]
    assert found["attention_mask"].sum(-1).tolist() == lengths
    assert found["attention_mask"][:, -1].tolist() == [1, 1]
    kept = found["input_ids"][0][found["attention_mask"][0].bool()]
    assert reading.tokenizer.decode(kept) == "sad"
    reading.save_pretrained(tmp_path)
    again = load_text_processor(str(tmp_path))
    assert again.tokenizer.padding_side == "left"
    assert again.tokenizer.chat_template == reading.tokenizer.chat_template


def test_the_token_that_begins_a_text_stands_there_once():
    reading = TextProcessor(tokenizer((), turns("")))
    plain = reading.encode(["sad"])["input_ids"]
    start = reading.tokenizer.eos_token
    reading.tokenizer.bos_token = start
    begun = reading.encode([f"{start}sad"])["input_ids"][0]
    assert torch.equal(begun[1:], plain[0])
    assert begun[0] == reading.tokenizer.bos_token_id


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(PolicyError, match="No tokenizer loads from the checkpoint"):
        load_text_processor(str(tmp_path))
    reading = TextProcessor(tokenizer((), turns("")))
    reading.tokenizer.chat_template = None
    with pytest.raises(PolicyError, match=r"has no chat template; put a chat_template\.jinja"):
        reading.apply_chat_template([], add_generation_prompt=True, tokenize=False)


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("writes", [False, True])
def test_chats_begin_once_and_are_not_ended(writes, adds):
    from tokenizers.processors import TemplateProcessing

    words = tokenizer(("<s>",), turns(""), {"bos_token": "<s>"})
    ids = {name: words.convert_tokens_to_ids(name) for name in ("<s>", "<|im_end|>")}
    if adds:
        words._tokenizer.post_processor = TemplateProcessing(
            single="<s> $A <|im_end|>", special_tokens=list(ids.items())
        )
    text = "<s>sad" if writes else "sad"
    plain = words.encode("sad", add_special_tokens=False)
    expected = [ids["<s>"], *plain] if writes or adds else plain
    assert TextProcessor(words).encode([text])["input_ids"][0].tolist() == expected


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('touch RAN').read() }}",
        "{{ raise_exception.__globals__['__builtins__']['open']('RAN', 'w') }}",
        "{{ self.__init__.__globals__.__builtins__.__import__('os').system('touch RAN') }}",
        "{{ messages.append({'role': 'user', 'content': open('RAN', 'w')}) }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(raise_exception) }}",
        "{% include '/etc/hostname' %}",
        "{% for each in range(1000000000) %}{% endfor %}",
        "{{ 1 / 0 }}",
        "{% if %}",
        "{{ raise_exception('no user here') }}",
    ],
)
def test_a_template_runs_in_a_sandbox_and_what_it_may_not_do_is_refused(tmp_path, template):
    reading = TextProcessor(tokenizer((), template.replace("RAN", str(tmp_path / "ran"))))
    with pytest.raises(PolicyError, match="cannot be rendered"):
        reading.apply_chat_template(
            [{"role": "user", "content": "?"}], add_generation_prompt=True, tokenize=False
        )
    assert not (tmp_path / "ran").exists()
