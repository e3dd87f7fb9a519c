"""MER2025: the labeled clips of its first track, six emotions, in Chinese.

Layout: ``track1_train_disdim.csv`` (``name,discrete``, perhaps ``valence``) and the rest as in
`emolit.corpora.mer`. Its open-vocabulary tables are `MerCaption` and `OvMerd`.
"""

from typing import ClassVar

from emolit.corpora.mer import EMOTIONS, Mer


class Mer2025(Mer):
    """MER2025: 7,369 labeled clips of film and television, 6 emotions.

    Args:
        table: The csv that lists the clips, relative to the corpus folder, or absolute, with
            ``name,discrete``; None takes the release's own, ``track1_train_disdim.csv``.
        use: ``train`` for training, a tenth of the clips for validation; ``test`` for testing.
        subtitles: Language of the transcripts; what is said is Chinese.
        leave_out: A csv whose ``name`` column says which clips are not served, relative to
            ``root``: those of the tests to come. None serves all.
        release: Folder below ``root`` that holds the release; None is ``mer2025``.
        name: Name in log keys; None is ``mer2025``.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all six.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows a validation part: nobody says who speaks.
    """

    name = "mer2025"
    labels: ClassVar = EMOTIONS
    size: ClassVar = 7369
    listing = "track1_train_disdim.csv"
    column: ClassVar = "discrete"
    homepage: ClassVar = "https://huggingface.co/datasets/MERChallenge/MER2025"
