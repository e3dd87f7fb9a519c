"""OV-MERD: Chinese clips whose emotion words people wrote and checked; any such table.

Layout: a release of MER2025 or MER2026 (`emolit.corpora.mer`) with ``track2_train_ovmerd.csv``
(``name,openset``) and ``track3_train_ovmerd.csv`` (``name,reason``), 332 clips. OV-MERD+ (532) and
the clips of AffectGPT-RL (1,000) are other tables of the same form: which released file holds them
is not known, hence `table`; MER2026 has ``track2_train_human.csv`` (1532). Lian et al. 2024,
https://arxiv.org/abs/2410.01495.

The 332 clips are of MER2023's training part, and `Emer` has the same: a model trained there must
not be tested here (``leave_out`` of the training corpus).
"""

from typing import ClassVar

from emolit.corpora.mer import Mer


class OvMerd(Mer):
    """OV-MERD: 332 clips of film and television with emotion words that people gave.

    Args:
        table: The csv that lists the clips, relative to the corpus folder, or absolute, with
            ``name,openset``; None takes the release's own, ``track2_train_ovmerd.csv``.
        use: ``train`` for training, a tenth of the clips for validation; ``test`` for testing.
        subtitles: Language of the transcripts; what is said is Chinese.
        leave_out: A csv whose ``name`` column says which clips are not served, relative to
            ``root``: those of the tests to come. None serves all.
        release: Folder below ``root`` that holds the release; None is ``mer2025``.
        name: Name in log keys; None is ``ov_merd``.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: Without effect on clips: they have words and no label.
        label_map: Without effect, likewise.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows a validation part: nobody says who speaks.
    """

    name = "ov_merd"
    folder = "mer2025"
    listing = "track2_train_ovmerd.csv"
    column: ClassVar = "openset"
    beside: ClassVar = ("track3_train_ovmerd.csv", "subtitle_chieng.csv")
    homepage: ClassVar = "https://huggingface.co/datasets/MERChallenge/MER2025"
