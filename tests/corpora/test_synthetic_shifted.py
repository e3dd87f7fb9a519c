import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emolit.corpora.synthetic import Synthetic
from emolit.corpora.synthetic_shifted import SyntheticShifted
from tests.corpora.test_synthetic import clip, table


def floor(kind: type[Synthetic]) -> float:
    """Return how far the quietest frames lie below the loudest ones, in dB."""
    corpus, found = kind(), []
    for number in range(6):
        frames = np.lib.stride_tricks.sliding_window_view(
            clip(corpus, "test", number, 2).astype(float), 320
        )[::160]
        energy = 10 * np.log10(np.mean(frames**2, axis=1) + 1)
        found.append(np.percentile(energy, 95) - np.percentile(energy, 2))
    return float(np.mean(found))


def test_the_default_corpus_is_for_testing():
    corpus = SyntheticShifted()
    assert corpus.cast_size == {"train": 0, "val": 6, "test": 11}
    assert corpus.names == ("synthetic_shifted",)


def test_it_is_read_like_any_corpus(tmp_path):
    corpus = SyntheticShifted(
        val_speakers=1, test_speakers=2, clips_per_speaker=4, root=str(tmp_path)
    )
    corpus.setup()
    assert {split: len(corpus.clips(split)) for split in ("train", "val", "test")} == {
        "train": 0, "val": 4, "test": 8,
    }  # fmt: skip
    assert {found.speaker for found in corpus.clips("test")} == {"field-test00", "field-test01"}


def test_no_speaker_says_what_a_speaker_of_synthetic_says():
    plain, shifted = Synthetic(), SyntheticShifted()
    assert plain.speaker("test", 0).habits != shifted.speaker("test", 0).habits
    assert len(clip(plain, "test", 0, 0)) != len(clip(shifted, "test", 0, 0))


def test_room_and_noise_raise_the_floor_by_10_db_or_more():
    assert floor(Synthetic) - floor(SyntheticShifted) > 10


def test_cues_learned_on_synthetic_carry_over_in_part():
    _, seen, labels, _ = table(Synthetic, "train", 48, 8)
    _, unseen, truth, _ = table(SyntheticShifted, "test", 11, 8)  # n = 88
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(seen, labels)
    assert 0.5 < balanced_accuracy_score(truth, probe.predict(unseen)) < 0.85
