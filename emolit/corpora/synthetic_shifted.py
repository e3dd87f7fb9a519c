"""SyntheticShifted: the second corpus that a model of `Synthetic` never saw.

The same four emotions and the same cues, but other speakers (lower men, higher women, longer and
shorter vocal tracts), another style (livelier talk with a smaller range of F0 and a brighter
voice), rooms that reverberate and background noise about 30 dB below the voice. Layout, making
and captions as in `Synthetic`, with ``field`` in place of ``studio``. It is for testing: by default
it has no training part.

License: made by emolit; Apache-2.0 like it.
"""

from typing import ClassVar

from emolit.corpora.synthesis.acting import FIELD
from emolit.corpora.synthetic import Synthetic


class SyntheticShifted(Synthetic):
    """Speech-like audio in noisy rooms: 6 validation and 11 test speakers, 28 clips each.

    Args:
        train_speakers: Number of speakers; None takes the corpus's own, here 0.
        val_speakers: Number of speakers; None takes the corpus's own, here 6.
        test_speakers: Number of speakers; None takes the corpus's own, here 11.
        clips_per_speaker: A multiple of four: the emotions in turn.
        corpus_seed: Another number gives other speakers and other clips.
        root: Parent folder of all corpora; the corpus is made below it when it is missing.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes angry, happy, neutral, sad.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, and what happens to bad or long audio.
        speaker_independent: Without effect here: no speaker stands in two splits.
    """

    name = "synthetic_shifted"
    setting: ClassVar = FIELD
    speakers: ClassVar = (0, 6, 11)
