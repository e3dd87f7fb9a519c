"""The reconstruction of Emo-GRPO: its formula by numpy, and what centering is for."""

import numpy as np
import pytest
import torch

from emolit.errors import ConfigError, PolicyError
from emolit.judges.encoder import SentenceEncoder
from emolit.prompts.caption import Caption
from emolit.rewards.emotion_space import ANCHORS, EmotionSpace
from tests.fakes.models import text_model
from tests.rewards.captioned import captioned

WORDS = ["sad and low", "happy and high", "angry and loud", "afraid"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return SentenceEncoder(str(text_model(tmp_path_factory.mktemp("sentences"), "AutoModel")))


def cosine(one, other):
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


def by_hand(encoder, said, references, center, emotion, semantic):
    """The formula of the module's docstring, a number at a time."""
    anchors = encoder.encode(WORDS).double().numpy()

    def place(vector):
        cosines = np.array([cosine(vector, anchor) for anchor in anchors])
        return cosines - cosines.mean() if center else cosines

    found = []
    for text in references:
        one, other = encoder.encode([said, text]).double().numpy()
        felt, similar = cosine(place(one), place(other)), cosine(one, other)
        found.append(emotion * (1 + felt) / 2 + semantic * (1 + similar) / 2)
    return max(found)


@pytest.mark.parametrize(
    ("center", "emotion", "semantic"), [(True, 1, 1), (False, 2, 0), (True, 0, 1)]
)
def test_it_is_the_formula(encoder, center, emotion, semantic):
    reward = EmotionSpace(encoder, WORDS, emotion, semantic, center)
    references = ("she cries", "a soft slow voice")
    said = ("she laughs", "a soft voice", "he is loud")
    found = reward(captioned((said,), (references,))).values[0]
    wanted = [by_hand(encoder, text, references, center, emotion, semantic) for text in said]
    assert found.tolist() == pytest.approx(wanted, abs=1e-5)


def test_autocast_around_it_changes_nothing(encoder):
    reward = EmotionSpace(encoder, WORDS)
    drawn = captioned((("she laughs", "a soft voice"),), (("she cries", "a slow voice"),))
    wanted = reward(drawn).values
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(reward(drawn).values, wanted)


def test_a_reference_itself_is_worth_most_and_an_empty_answer_nothing(encoder):
    reward = EmotionSpace(encoder, WORDS)
    drawn = captioned((("she cries", None, " ", ("sad", "low"), "loud"),), (("x", "she cries"),))
    found = reward(drawn).values[0]
    assert found[0].item() == pytest.approx(2.0, abs=1e-5)
    assert found[1:3].tolist() == [0.0, 0.0]
    assert 0 < found[3] < 2 and 0 < found[4] < 2


def test_it_does_not_apply_without_captions_and_clips_are_kept_apart(encoder):
    reward = EmotionSpace(encoder, WORDS)
    said = ("she cries", "loud")
    found = reward(captioned((said, said, said), (("she cries",), (), ("loud",)))).values
    assert found[1].isnan().all()
    assert found[0, 0] == pytest.approx(2.0, abs=1e-5) == found[2, 1]
    assert reward(captioned((said,), ((),))).values.isnan().all()


def test_centering_spreads_places_that_lie_together():
    """Cosines in a narrow band: without centering all places are nearly one."""

    class Narrow:
        def encode(self, texts, device="cpu"):
            generator = torch.Generator().manual_seed(len(texts[0]))
            crowd = 5 + torch.randn(len(texts), 8, generator=generator)
            return torch.nn.functional.normalize(crowd, dim=-1)

    vectors = Narrow().encode(["abc"] * 6)
    spreads = []
    for center in (False, True):
        reward = EmotionSpace(Narrow(), WORDS, center=center)
        places = reward.place(vectors)
        spreads.append(float((places @ places.T).min()))
    assert spreads[0] > 0.95
    assert spreads[1] < 0.5


def test_long_captions_are_cut_and_counted(encoder):
    reward = EmotionSpace(encoder, WORDS, longest=9)
    whole = reward(captioned((("she cries",),), (("she cries",),))).values
    drawn = captioned((("she cries and cries", "low", "she cries so"),), (("she cries",),))
    assert reward(drawn).values[0, 0].item() == pytest.approx(whole[0, 0].item())
    assert reward.counts["cut"] == 2
    assert reward.counted_names == ("cut",)


def test_anchors_and_references_are_encoded_once():
    asked = []

    class Counting:
        def encode(self, texts, device="cpu"):
            asked.extend(texts)
            return torch.nn.functional.normalize(torch.rand(len(texts), 4), dim=-1)

    reward = EmotionSpace(Counting(), WORDS)
    reward.prepare(Caption())
    assert asked == WORDS
    for _ in range(2):
        reward(captioned((("a", "a"), ("b", "c")), (("r", "s"), ("s",))))
    assert sorted(asked[len(WORDS) :]) == ["a", "a", "b", "b", "c", "c", "r", "s"]


def test_anchors_may_be_a_file_and_are_seven_sentences_by_default(encoder, tmp_path):
    (tmp_path / "anchors.txt").write_text("\ufeff sad \n\nglad\r\n 愤怒\n", encoding="utf-8")
    assert EmotionSpace(encoder, str(tmp_path / "anchors.txt")).anchors == ("sad", "glad", "愤怒")
    assert EmotionSpace(encoder).anchors == ANCHORS
    with pytest.raises(ConfigError, match=r"file of anchors .*none.txt' is missing"):
        EmotionSpace(encoder, str(tmp_path / "none.txt"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"anchors": ["sad", "glad"]}, "at least 3"),
        ({"emotion_weight": 0.0, "semantic_weight": 0.0}, "none below 0 and one above"),
        ({"emotion_weight": -1.0}, "none below 0"),
    ],
)
def test_settings_that_span_no_space_are_refused(encoder, settings, message):
    with pytest.raises(ConfigError, match=message):
        EmotionSpace(encoder, **settings)


def test_an_encoder_folder_that_does_not_load_is_told_before_anything_is_scored(tmp_path):
    reward = EmotionSpace(SentenceEncoder(str(tmp_path)))
    with pytest.raises(PolicyError, match=r"loads from the checkpoint .*give a folder that"):
        reward.prepare(Caption())


def test_scores_are_float32_whatever_the_default_is(encoder):
    drawn = captioned((("happy", "low"),), (("sad",),))
    expected = EmotionSpace(encoder, WORDS)(drawn).values
    torch.set_default_dtype(torch.bfloat16)  # as Lightning does under bf16-true
    try:
        found = EmotionSpace(encoder, WORDS)(drawn).values
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, expected)
