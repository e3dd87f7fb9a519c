from collections import Counter

import pytest

from emolit.corpora.manifest import Manifest
from emolit.corpora.mixture import Mixture
from emolit.corpora.ravdess import Ravdess
from emolit.corpora.urdu import Urdu
from emolit.data.dataset import LoaderSettings
from emolit.errors import ConfigError, CorpusError
from emolit.prompts.direct import Direct
from tests.fakes.listing import ROWS, write_listing, write_table
from tests.fakes.ravdess import write_ravdess
from tests.fakes.urdu import write_urdu

pytestmark = pytest.mark.filterwarnings("ignore:.* clips, the release has")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """RAVDESS with the test actors of fold 1 and some others, a small URDU, two listings."""
    root = tmp_path_factory.mktemp("root")
    write_ravdess(root, actors=[1, 2, 3, 6])
    write_urdu(root, clips=3)
    write_listing(root / "one")
    write_listing(root / "two", [{**row, "label": "fear"} for row in ROWS], "other.csv")
    return root


def set_up(root, corpora, **settings):
    mixture = Mixture(corpora, root=str(root), prompt=Direct(), **settings)
    mixture.prepare_data()
    mixture.setup("fit")
    return mixture


def counted(batches):
    return Counter(clip.corpus for batch in batches for clip in batch.clips)


def test_training_reads_every_clip_of_all_members_and_tests_keep_them_apart(root):
    loading = LoaderSettings(batch_size=4, eval_batch_size=7)
    mixture = set_up(root, [Ravdess(), Manifest("one/mine.csv")], loading=loading)
    train = list(mixture.train_dataloader())
    sizes = {member.name: len(member.clips("train")) for member in mixture.corpora}
    assert sizes == {"ravdess": 60, "mine": 9}
    assert sum(counted(train).values()) == 68
    assert any(len({clip.corpus for clip in batch.clips}) == 2 for batch in train)
    tests = [counted(loader) for loader in mixture.test_dataloader()]
    assert tests == [{"ravdess": 60}, {"mine": 3}]
    assert [counted(loader) for loader in mixture.val_dataloader()] == [
        {"ravdess": 120},
        {"mine": 3},
    ]


def test_members_without_clips_in_a_split_have_no_loader_there(root):
    mixture = set_up(root, [Urdu(), Ravdess()])
    assert [counted(loader) for loader in mixture.val_dataloader()] == [{"ravdess": 120}]
    assert [counted(loader) for loader in mixture.test_dataloader()] == [
        {"urdu": 12},
        {"ravdess": 60},
    ]


def test_weights_share_an_epoch(root):
    members = [Ravdess(), Manifest("one/mine.csv")]
    mixture = set_up(root, members, weights=[1, 2], loading=LoaderSettings(batch_size=3))
    assert counted(mixture.train_dataloader()) == {"ravdess": 23, "mine": 46}


def test_all_are_asked_with_the_mixtures_prompt_and_label_set(root):
    mixture = set_up(root, [Ravdess(label_map={"calm": "neutral"}), Urdu()])
    assert mixture.taxonomy.labels == (
        "angry", "happy", "neutral", "sad", "fear", "disgust", "surprise",
    )  # fmt: skip
    for loader in mixture.test_dataloader():
        batch = next(iter(loader))
        assert batch.options == mixture.taxonomy.labels
        assert batch.questions[0] == Direct().render(batch.clips[0], mixture.taxonomy.labels)


def test_a_common_label_set_drops_and_counts_in_each_member(root):
    mixture = set_up(root, [Ravdess(), Urdu()], labels=["sad", "angry", "happy"])
    dropped = {census.corpus: census.dropped for census in mixture.censuses}
    assert dropped["urdu"] == {"neutral": 3}
    assert dropped["ravdess"] == {
        "neutral": 16, "calm": 32, "fear": 32, "disgust": 32, "surprise": 32,
    }  # fmt: skip
    assert mixture.taxonomy.labels == ("sad", "angry", "happy")


def test_names_and_folders_are_those_of_the_members_under_one_root(root):
    mixture = Mixture([Ravdess(), Urdu()], root=str(root))
    assert mixture.names == ("ravdess", "urdu")
    assert mixture.folders == {"ravdess": root / "ravdess", "urdu": root / "urdu"}


def test_members_may_name_their_roots_where_the_mixture_does_not(root):
    mixture = Mixture([Ravdess(root=str(root)), Urdu(root="other")])
    assert [member.root for member in mixture.corpora] == [str(root), "other"]
    with pytest.raises(ConfigError, match="its member 'urdu' is 'other'; name it once"):
        Mixture([Ravdess(), Urdu(root="other")], root=str(root))


def test_members_take_the_loading_of_the_mixture(root):
    loading = LoaderSettings(batch_size=2, on_bad_audio="skip")
    mixture = Mixture([Ravdess(), Urdu()], root=str(root), loading=loading)
    assert [member.loading for member in mixture.corpora] == [loading, loading]
    with pytest.raises(ConfigError, match="member 'urdu' has its own `loading`"):
        Mixture([Urdu(loading=loading)])


@pytest.mark.parametrize(
    ("corpora", "message"),
    [
        ([], "no `corpora`"),
        ([Ravdess(fold=1), Ravdess(fold=2)], r"several corpora named \['ravdess'\]"),
        ([Manifest("a/x.csv"), Manifest("b/x.csv")], r"several corpora named \['x'\]"),
    ],
)
def test_clashing_members_are_refused(corpora, message):
    with pytest.raises(ConfigError, match=message):
        Mixture(corpora)


def test_members_whose_clips_share_ids_are_refused(root):
    write_listing(root / "six")
    lists = [Manifest("one/mine.csv"), Manifest("six/mine.csv", name="six")]
    ids = {member.name: {row["path"] for row in ROWS} for member in lists}
    assert ids["mine"] == ids["six"]
    with pytest.raises(CorpusError, match=r"'mine' and 'six' both have the clip 'wav/.*other ids"):
        set_up(root, lists)


def test_a_corpus_given_twice_under_two_names_is_refused(root):
    lists = [Manifest("one/mine.csv"), Manifest("one/mine.csv", name="again")]
    with pytest.raises(CorpusError, match=r"'mine' and 'again' both have the clip .*Remove one"):
        set_up(root, lists)


def test_a_recording_that_stands_in_two_corpora_is_refused_by_its_file(root):
    rows = [
        {"path": f"../ravdess/{path.parent.name}/{path.name}", "label": "sad", "speaker": who}
        for who in ("01", "02", "03")
        for path in sorted((root / "ravdess" / f"Actor_{who}").glob("*"))[:2]
    ]
    (root / "mine").mkdir()
    write_table(root / "mine" / "copy.csv", rows)
    with pytest.raises(CorpusError, match=r"'ravdess' and 'copy' both have the clip .*Remove one"):
        set_up(root, [Ravdess(), Manifest("mine/copy.csv")])


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, 1, 1]])
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(ConfigError, match=r"`weights` are .*'ravdess', 'urdu'"):
        Mixture([Ravdess(), Urdu()], weights=weights)


def test_a_weight_for_a_member_without_training_clips_is_refused(root):
    mixture = set_up(root, [Ravdess(), Urdu()], weights=[1, 1])
    with pytest.raises(ConfigError, match="'urdu' has no training clips; set its weight to 0"):
        mixture.train_dataloader()
    mixture = set_up(root, [Ravdess(), Urdu()], weights=[1, 0])
    assert set(counted(mixture.train_dataloader())) == {"ravdess"}


def test_a_watched_member_changes_no_batch_of_training(root):
    """Manifest has training clips of its own; with weight 0 they are as if they were not there."""
    loading = LoaderSettings(batch_size=4)
    labels = list(Ravdess.labels)
    members = [Ravdess(), Manifest("one/mine.csv"), Urdu(validation=True)]
    alone = set_up(root, [Ravdess()], loading=loading, labels=labels).train_dataloader()
    watched = set_up(root, members, weights=[1, 0, 0], loading=loading, labels=labels)
    loader = watched.train_dataloader()
    assert [[clip.id for clip in batch.clips] for batch in loader] == [
        [clip.id for clip in batch.clips] for batch in alone
    ]
    assert [counted(part) for part in watched.val_dataloader()] == [
        {"ravdess": 120}, {"mine": 3}, {"urdu": 8},
    ]  # fmt: skip


def test_a_member_without_a_common_label_is_refused(root):
    with pytest.raises(ConfigError, match=r"hold none of 'other': \['fear'\]"):
        set_up(root, [Urdu(), Manifest("two/other.csv")], labels=["sad", "happy"])


def test_reading_and_partition_are_those_of_the_members(root):
    mixture = set_up(root, [Ravdess(), Urdu()])
    clips = list(mixture.read(mixture.location))
    assert Counter((clip.corpus, clip.split) for clip in clips) == {
        ("ravdess", "train"): 60, ("ravdess", "val"): 120, ("ravdess", "test"): 60,
        ("urdu", "test"): 12,
    }  # fmt: skip
    assert mixture.partition(clips) == clips


def test_a_member_that_nothing_trains_on_is_tested_whole(root):
    mixture = set_up(root, [Ravdess(), Manifest("one/mine.csv")], all_test=["ravdess"])
    sizes = {
        split: [len(member.clips(split)) for member in mixture.corpora]
        for split in ("train", "val", "test")
    }
    assert sizes["train"][0] == sizes["val"][0] == 0
    assert sizes["test"] == [240, 3]
    assert "all clips are test clips" in str(mixture.censuses[0].notes)
    with pytest.raises(ConfigError, match=r"\['crema_d'\], which are no members"):
        set_up(root, [Ravdess()], all_test=["crema_d"])
