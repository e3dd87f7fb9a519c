"""CH-SIMS v2: Chinese film, television and shows; sentiment from -1 to 1, by sense and together.

Layout: ``ch-simsv2s/Raw/<video>/<clip>.mp4`` (or audio under the same names) and
``ch-simsv2s/meta.csv`` with ``video_id,clip_id,text,label,…,mode``, beside ``label`` also
``label_T``, ``label_A``, ``label_V``; or MERBench's archive (`emolit.corpora.polarity`), which has
multimodal labels only. The unlabeled part, ``ch-simsv2u``, is not read.

It holds all 2,281 clips of the first version with the same labels: pooling both counts them twice,
and a mixture of both is refused.

Splits: as in CH-SIMS the official parts, 2722 / 647 / 1034, share videos (128 of 145 test videos
also train); the default is ours, five folds of whole videos.

License: research, THUIAR. Liu et al. 2022, https://arxiv.org/abs/2209.02604.
"""

from typing import ClassVar

from emolit.corpora.ch_sims import ChSims
from emolit.corpora.polarity import Rated

RELEASE = "ch-simsv2s"


class ChSimsV2(ChSims):
    """CH-SIMS v2: 4,403 cuts of 152 Chinese videos, sentiment from -1 to 1.

    Args:
        modality: What raters judged: ``audio``, ``text`` and ``video`` are one sense alone,
            ``multimodal`` is the whole and what is usually reported.
        splits: ``speakers`` tests videos of which nothing was heard in training; ``official``
            serves the release's own splits, which share videos: it needs
            ``speaker_independent: false``.
        fold: Which fifth of the videos is tested, 1 to 5. There is one official fold.
        subtitles: Language of the transcripts; what is said is Chinese.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: Without effect on clips: they have a sentiment and no label.
        label_map: Without effect, likewise.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows videos that stand in several splits.
    """

    name = "ch_sims_v2"
    size: ClassVar = 4403
    table: ClassVar = f"{RELEASE}/meta.csv"
    places: ClassVar = (f"{RELEASE}/Raw/*",)
    homepage: ClassVar = "https://github.com/thuiar/ch-sims-v2"

    def stems(self, rated: Rated) -> tuple[str, ...]:
        """Return the path without extension of a cut."""
        return (f"{RELEASE}/Raw/{rated.video}/{rated.number}",)
