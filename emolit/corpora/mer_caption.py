"""MER-Caption+: 31,327 Chinese clips whose emotion words models wrote and people sifted.

Layout: a release of MER2025 or MER2026 (`emolit.corpora.mer`) with
``track2_train_mercaptionplus.csv`` (``name,openset``) and ``track3_train_mercaptionplus.csv``
(``name,reason``). Clips have words and a reason, and no label: a question with options does not fit
them. Lian et al. 2025, https://arxiv.org/abs/2501.16566.
"""

from typing import ClassVar

from emolit.corpora.mer import Mer


class MerCaption(Mer):
    """MER-Caption+: 31,327 clips of film and television with emotion words and a reason each.

    Args:
        table: The csv that lists the clips, relative to the corpus folder, or absolute, with
            ``name,openset``; None takes the release's own, ``track2_train_mercaptionplus.csv``.
        use: ``train`` for training, a tenth of the clips for validation; ``test`` for testing.
        subtitles: Language of the transcripts; what is said is Chinese.
        leave_out: A csv whose ``name`` column says which clips are not served, relative to
            ``root``: those of the tests to come. None serves all.
        release: Folder below ``root`` that holds the release; None is ``mer2025``.
        name: Name in log keys; None is ``mer_caption``.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: Without effect on clips: they have words and no label.
        label_map: Without effect, likewise.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows a validation part: nobody says who speaks.
    """

    name = "mer_caption"
    folder = "mer2025"
    size: ClassVar = 31_327
    listing = "track2_train_mercaptionplus.csv"
    column: ClassVar = "openset"
    beside: ClassVar = ("track3_train_mercaptionplus.csv", "subtitle_chieng.csv")
    homepage: ClassVar = "https://huggingface.co/datasets/MERChallenge/MER2025"
