"""Words by a language model: against transformers' own greedy answers, kept, never padded."""

import pytest

from emolit.engine.tensor_store import digest
from emolit.errors import PolicyError
from emolit.evaluators.open_vocabulary import OpenVocabulary
from emolit.judges.word_extractor import WordExtractor
from emolit.text.words import split_list
from tests.evaluators.test_open_vocabulary import evaluation
from tests.fakes.models import random_model, save, tokenizer, turns
from tests.lexicons import Toy

TEXTS = ["a low voice", "she is happy and proud of it", "he shouts"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import transformers

    reader = tokenizer((), turns(""))
    config = transformers.Qwen2Config(
        vocab_size=len(reader),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        eos_token_id=reader.eos_token_id,
    )
    model = random_model(transformers.Qwen2ForCausalLM, config, reader.eos_token_id)
    return str(save(tmp_path_factory.mktemp("causal"), model, reader))


def told(folder, text, max_tokens):
    """What transformers' own call says to one text."""
    import transformers

    reader = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    turn = [{"role": "user", "content": [{"type": "text", "text": f"Which? {text}"}]}]
    asked = reader.apply_chat_template(
        turn, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    made = model.generate(
        **asked, do_sample=False, max_new_tokens=max_tokens, pad_token_id=reader.eos_token_id
    )
    return reader.decode(made[0, asked["input_ids"].shape[1] :], skip_special_tokens=True)


def test_it_says_what_the_model_says_greedily_to_each_text_alone(folder):
    extractor = WordExtractor(folder, "Which? {text}", max_tokens=12)
    wanted = [split_list(told(folder, text, 12).strip().partition("\n")[0]) for text in TEXTS]
    assert extractor.extract(TEXTS) == wanted
    assert extractor.extract(TEXTS[::-1]) == wanted[::-1]
    assert extractor.extract([]) == []


def test_answers_are_kept_and_another_question_or_length_is_another_answer(folder, tmp_path):
    first = WordExtractor(folder, "Which? {text}", 12, store=str(tmp_path))
    words = first.extract(TEXTS)
    again = WordExtractor(folder, "Which? {text}", 12, store=str(tmp_path))
    assert again.extract(TEXTS) == words
    assert (first.store.made, again.store.made) == (3, 0)
    shorter = WordExtractor(folder, "Which? {text}", 6, store=str(tmp_path))
    asked = WordExtractor(folder, "What? {text}", 12, store=str(tmp_path))
    for other in (shorter, asked):
        other.extract(TEXTS)
        assert other.store.made == 3
    assert digest(first.fingerprint) != digest(shorter.fingerprint)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(PolicyError, match="loads from the checkpoint"):
        WordExtractor(str(tmp_path)).extract(["sad"])


def test_an_evaluator_asks_it_for_the_words_of_texts_only(folder):
    class Told(WordExtractor):
        def extract(self, texts, device="cpu"):
            return [("happy",) if "glad" in text else () for text in texts]

    evaluator = OpenVocabulary(Toy(), extractor=Told(folder))
    evaluator.start(("one",))
    rows = [("one", ("happy",), None, answer) for answer in ("so glad", ("happy",), "so", None)]
    evaluator.update(evaluation(*rows))
    scores = evaluator.compute()
    assert float(scores["one/recall"]) == 0.5
    assert float(scores["one/parse_rate"]) == 0.75
    assert f"extract:{folder}|" in evaluator.signatures()["one/F1"]
