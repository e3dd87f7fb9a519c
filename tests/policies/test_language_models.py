"""Any language model: how a chat begins and ends, tied heads, chunked attention, dropout."""

from dataclasses import replace

import pytest
import torch
import transformers

from emolit.engine.scoring.logprobs import packed_logprobs
from emolit.engine.weights.adapters import Lora
from emolit.errors import PolicyError
from emolit.policies.audio_flamingo3 import AudioFlamingo3
from emolit.policies.huggingface import HuggingFace
from emolit.policies.nano import Nano
from emolit.policies.text_only import TextOnly
from tests.conftest import part
from tests.fakes.models import random_model, save, tokenizer
from tests.policies.contract import SAMPLING, check_gradients, graded
from tests.policies.test_audio_flamingo3 import TestAudioFlamingo3 as Flamingo

CHAT = (
    "{% for message in messages %}{{ message['role'] + '\n' + message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}assistant\n{% endif %}"
)
SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 32,
    "head_dim": 8,
    "max_position_embeddings": 512,
}


def written(folder, name="Llama", template=CHAT, eos="<|im_end|>", **settings):
    """Save a tiny language model that names no end of its own, and its tokenizer."""
    words = tokenizer((), template)
    words.eos_token = eos
    kind = "Llama4Text" if name == "Llama4" else name
    factory = getattr(transformers, f"{kind}Config")
    config = factory(
        vocab_size=len(words) + 3,
        pad_token_id=words.pad_token_id,
        bos_token_id=None,
        eos_token_id=None,
        **{key: value for key, value in SIZES.items() if key in factory.__dataclass_fields__},
        **settings,
    )
    return save(
        folder, random_model(getattr(transformers, f"{name}ForCausalLM"), config, None), words
    )


def built(folder, reference=False, **settings):
    policy = TextOnly(str(folder), **settings)
    policy.build(reference, seed=0)
    return policy


# --- how a chat begins ---------------------------------------------------------------------------


def beginning(folder, writes, adds):
    """Let a checkpoint's template write what begins a text, its tokenizer add it, or both."""
    from tokenizers.processors import TemplateProcessing

    words = transformers.AutoTokenizer.from_pretrained(folder)
    words.bos_token = "<|endoftext|>"
    if adds:
        pair = (words.bos_token, words.bos_token_id)
        words._tokenizer.post_processor = TemplateProcessing(
            single=f"{pair[0]} $A", special_tokens=[pair]
        )
    return words, words.bos_token if writes else ""


@pytest.fixture(scope="module")
def folders(tmp_path_factory, nano_folder):
    return {
        TextOnly: written(tmp_path_factory.mktemp("text")),
        Nano: nano_folder,
        HuggingFace: nano_folder,
        AudioFlamingo3: Flamingo.write(tmp_path_factory.mktemp("flamingo")),
    }


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("writes", [False, True])
@pytest.mark.parametrize("kind", [TextOnly, Nano, HuggingFace, AudioFlamingo3])
def test_a_prompt_begins_once_whoever_writes_it(folders, batch, kind, writes, adds):
    policy = kind(str(folders[kind]))
    policy.build(reference=False, seed=0)
    plain = policy.read(batch)
    words, start = beginning(folders[kind], writes, adds)
    policy.processor.tokenizer = words
    template = policy.processor.tokenizer.chat_template or policy.processor.default_chat_template
    policy.processor.chat_template = words.chat_template = start + template
    found = policy.read(batch)
    begins = int(writes or adds)
    for row in range(5):
        ids, expected = (
            inputs["input_ids"][row][inputs["attention_mask"][row].bool()]
            for inputs in (found, plain)
        )
        assert ids[:begins].tolist() == [words.bos_token_id] * begins
        assert torch.equal(ids[begins:], expected)


# --- how a turn ends -----------------------------------------------------------------------------


@pytest.mark.parametrize("told_by", ["template", "parts", "tokenizer"])
def test_replies_end_with_the_end_of_turn_and_it_is_never_forbidden(tmp_path, batch, told_by):
    """The tokenizer's end is another token, and no generation_config.json names one."""
    template = {
        "template": CHAT,
        "parts": CHAT.replace("message['content']", "message['content'][0]['text']"),
        "tokenizer": CHAT.replace("<|im_end|>", "END"),
    }[told_by]
    if told_by == "parts":  # questions are text, replies are parts
        template = (
            "{{ 'user\n' + messages[0]['content'] + '<|im_end|>\n' }}"
            "{% if messages[1] %}{{ 'assistant\n' + messages[1]['content'][0]['text'] }}<|im_end|>"
            "{% else %}assistant\n{% endif %}"
        )
    policy = built(written(tmp_path, template=template, eos="<|endoftext|>"))
    name = "<|endoftext|>" if told_by == "tokenizer" else "<|im_end|>"
    end = policy.processor.tokenizer.convert_tokens_to_ids(name)
    assert end in policy.ends
    assert end not in policy.forbidden
    told = policy.encode_responses(batch, (("sad",),) * 5, replace(SAMPLING, stop=()))
    for rollout in (policy.encode_targets(batch), told):
        last = rollout.tokens[:, 0].gather(-1, rollout.mask[:, 0].sum(-1, keepdim=True) - 1)
        assert (last == end).all()
    assert policy.logprobs(told)[told.mask].isfinite().all()


def test_other_policies_end_turns_as_their_templates_do(nano_folder):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    assert policy.closing() == "<|im_end|>\n"
    assert policy.ends.tolist() == [policy.end]


# --- what cannot share a prompt, and what cannot stand in a packed row ---------------------------


def test_a_hybrid_language_model_is_refused_when_it_is_built(tmp_path):
    folder = written(tmp_path, "Lfm2", full_attn_idxs=[1], conv_L_cache=3)
    with pytest.raises(PolicyError, match=r"has layers of the kind 'conv', behind which responses"):
        built(folder)


CHUNKS = {
    "attention_chunk_size": 16,
    "intermediate_size_mlp": 32,
    "num_local_experts": 2,
    "layer_types": ["chunked_attention", "full_attention"],
}


@pytest.mark.parametrize("checkpointing", [False, True])
def test_chunked_attention_is_scored_as_by_the_bare_model(tmp_path, batch, checkpointing):
    policy = built(written(tmp_path, "Llama4", **CHUNKS), gradient_checkpointing=checkpointing)
    some = part(batch, slice(2))
    rollout = policy.sample(some, 3, SAMPLING, seed=0, step=0)
    found = policy.logprobs(rollout)
    assert (found - rollout.behavior).abs().max() < 1e-4
    prompts = policy.encode(some)
    assert prompts.mask.sum(-1).min() > 16
    for b in range(2):
        prompt = prompts.inputs["input_ids"][b][prompts.mask[b]]
        for g in range(3):
            tokens = rollout.tokens[b, g][rollout.mask[b, g]]
            row = torch.cat([prompt, tokens]).unsqueeze(0)
            logits = policy.model(input_ids=row).logits[0, len(prompt) - 1 : -1]
            logits[:, policy.forbidden] = -torch.inf
            expected = logits.log_softmax(-1)[range(len(tokens)), tokens]
            torch.testing.assert_close(found[b, g][rollout.mask[b, g]], expected, atol=1e-5, rtol=0)
    packed = packed_logprobs(policy.language_model(), prompts, rollout)
    assert (packed - found).abs().max() > 0.1, "why such rows are not packed"


# --- a head that is tied, and dropout ------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Model has .tie_word_embeddings")  # peft's own, for merging
@pytest.mark.parametrize("names", [["lm_head"], ["embed_tokens"], ["lm_head", "embed_tokens"]])
def test_a_tied_weight_trains_in_float32_beside_a_bfloat16_twin(tmp_path, batch, names):
    folder = written(tmp_path, tie_word_embeddings=True)
    lora = Lora(rank=2, train=names)
    policy, exact = built(folder, True, lora=lora, dtype="bfloat16"), built(folder, lora=lora)
    trains = {name for name, weight in policy.named_parameters() if weight.requires_grad}
    assert trains == {name for name, weight in exact.named_parameters() if weight.requires_grad}
    assert all(any(name in weight for weight in trains) for name in names)
    weights = dict(policy.named_parameters())
    assert {weights[name].dtype for name in trains} == {torch.float32}
    rollout = policy.encode_targets(batch)
    found = policy.logprobs(rollout)
    assert torch.equal(policy.reference_logprobs(rollout), found.detach())
    torch.testing.assert_close(found, exact.logprobs(rollout), atol=0.2, rtol=0)
    check_gradients(policy, batch)
    policy.save(tmp_path / "adapter")
    again = built(tmp_path / "adapter", dtype="bfloat16")
    assert torch.equal(again.logprobs(rollout), found)


@pytest.mark.parametrize("name", ["dropout", "attention_dropout"])
def test_dropout_stays_off_where_layers_are_checkpointed(tmp_path, batch, name):
    folders = [
        written(tmp_path / str(rate), "OPT", ffn_dim=32, word_embed_proj_dim=16, **{name: rate})
        for rate in (0.0, 0.5)
    ]
    policy, other = built(folders[0]), built(folders[1], gradient_checkpointing=True)
    rollout = policy.sample(batch, 3, SAMPLING, seed=0, step=0)
    truth = policy.logprobs(rollout)
    expected = graded(policy, truth)
    logprobs = other.logprobs(rollout)
    torch.testing.assert_close(logprobs, truth, atol=1e-5, rtol=0)
    for key, found in graded(other, logprobs).items():
        torch.testing.assert_close(found, expected[key], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("lora", [None, Lora(rank=2, train=["lm_head"])])
def test_whatever_trains_gets_a_gradient(tmp_path, batch, lora):
    check_gradients(built(written(tmp_path), lora=lora), batch)
