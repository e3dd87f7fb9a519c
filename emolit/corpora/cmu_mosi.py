"""CMU-MOSI: reviewers speak into their cameras, in English; sentiment from -3 to 3.

Layout: ``Raw/Audio/WAV_16000/Segmented/03bSnISJMiM_1.wav`` and ``Raw/Video/Segmented/`` with
``03bSnISJMiM_1.mp4``, video and number of the cut; or ``Raw/03bSnISJMiM/1.mp4``. Labels are those
of `emolit.corpora.polarity`; MERBench's transcripts are in capitals.

Splits: official, 1284 / 229 / 686 cuts out of 52 / 10 / 31 videos, none in two.

License: research, CMU MultiComp. Zadeh et al. 2016, https://arxiv.org/abs/1606.06259.
"""

from typing import ClassVar

from emolit.corpora.polarity import Polarity, Rated

HEARD, SEEN = "Raw/Audio/WAV_16000/Segmented", "Raw/Video/Segmented"


class CmuMosi(Polarity):
    """CMU-MOSI: 2,199 cuts of 93 English reviews, sentiment from -3 to 3.

    Args:
        subtitles: Language of the transcripts; what is said is English.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: Without effect on clips: they have a sentiment and no label.
        label_map: Without effect, likewise.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: Without effect here: no video stands in two splits.
    """

    name = "cmu_mosi"
    size: ClassVar = 2199
    spoken: ClassVar = "english"
    places: ClassVar = (HEARD, SEEN, "Raw/*")
    homepage: ClassVar = "http://multicomp.cs.cmu.edu/resources/cmu-mosi-dataset"
    license: ClassVar = "research"

    def stems(self, rated: Rated) -> tuple[str, ...]:
        """Return the paths without extension under which a cut may stand."""
        return f"{SEEN}/{rated.id}", f"{HEARD}/{rated.id}", f"Raw/{rated.video}/{rated.number}"
