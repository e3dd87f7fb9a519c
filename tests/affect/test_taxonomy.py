"""Label sets: order is the class index, and nothing is guessed."""

import pytest

from emolit.affect.taxonomy import CANONICAL, Taxonomy, check_map, in_order, merge
from emolit.errors import ConfigError, CorpusError


def test_the_order_is_the_class_index():
    taxonomy = Taxonomy(("sad", "angry"))
    assert [taxonomy.index(label) for label in ("sad", "angry")] == [0, 1]
    assert "sad" in taxonomy
    assert "calm" not in taxonomy
    assert len(taxonomy) == 2


def test_equality_is_that_of_the_ordered_labels():
    assert Taxonomy(("a", "b")) == Taxonomy(("a", "b"))
    assert Taxonomy(("a", "b")) != Taxonomy(("b", "a"))
    assert len({Taxonomy(("a", "b")), Taxonomy(("a", "b"))}) == 1


@pytest.mark.parametrize(
    ("labels", "words"), [(("sad", "sad"), r"repeats \['sad'\]"), (("sad", " "), "empty name")]
)
def test_repeated_and_empty_names_are_refused(labels, words):
    with pytest.raises(CorpusError, match=words):
        Taxonomy(labels)


def test_an_unknown_label_is_named_with_the_next_step():
    with pytest.raises(CorpusError, match=r"'calm' is not among .*label_map"):
        Taxonomy(("sad",)).index("calm")


def test_labels_merge_once_and_sort_canonically():
    assert merge("calm", {"calm": "neutral", "neutral": "sad"}) == "neutral"
    assert merge("sad", {"calm": "neutral"}) == "sad"
    assert in_order(reversed(CANONICAL)) == CANONICAL
    assert in_order(["zz", "sad", "aa"]) == ("sad", "aa", "zz")


def test_a_map_may_rename_only_what_there_is():
    check_map("mine", ("calm",), {"calm": "neutral"})
    check_map("mine", (), {"glad": "happy"})  # not known before the file is read
    with pytest.raises(ConfigError, match=r"`label_map` of 'mine' renames \['glad'\], which"):
        check_map("mine", ("calm",), {"glad": "happy"})
