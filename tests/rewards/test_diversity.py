"""The share of each response in the Distinct-n of its group."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.errors import ConfigError
from emolit.metrics.distinct import distinct
from emolit.rewards.diversity import Diversity
from emolit.text.tokenizer import tokenizer
from tests.rewards.captioned import captioned

texts = st.text(alphabet="ab", min_size=1, max_size=6)


@given(group=st.lists(texts, min_size=1, max_size=5), order=st.integers(1, 3))
def test_weighted_by_length_the_mean_of_a_group_is_its_distinct_n(group, order):
    group = [" ".join(text) for text in group]
    worth = Diversity(order, "zh-char")(captioned((tuple(group),), ((),))).values[0].tolist()
    said = [tokenizer("zh-char")(text) for text in group]
    sizes = [max(0, len(tokens) - order + 1) for tokens in said]
    total = sum(sizes)
    mean = sum(w * n for w, n in zip(worth, sizes, strict=True)) / total if total else float("nan")
    assert mean == pytest.approx(distinct(said, order), abs=1e-6, nan_ok=True)


def test_groups_are_kept_apart_and_the_unreadable_is_worth_nothing():
    answers = (("很慢", "很慢", "很快", None), ("很慢", "", "慢", "低沉。"))
    found = Diversity(2)(captioned(answers, ((), ()))).values
    assert found.tolist() == [[0.5, 0.5, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0]]


def test_an_n_gram_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="order 0; choose at least 1"):
        Diversity(0)
