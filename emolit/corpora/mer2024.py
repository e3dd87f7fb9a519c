"""MER2024: labeled Chinese clips of six emotions, some with open words.

Layout: ``label-disdim.csv`` (``name,discrete``, perhaps ``valence``), ``video-labeled/<name>.mp4``
(audio taken out of it may stand there too), and, where known, ``check-openset.csv``
(``name,openset``), whose words join the label. Else as in `emolit.corpora.mer`. The labels of the
challenge's own tests are not public; a table of them is served with ``use: test``.

The 332 clips with words are of MER2023's training part: a model trained there must not be tested on
them (``leave_out``).
"""

from typing import ClassVar

from emolit.corpora.mer import EMOTIONS, Mer


class Mer2024(Mer):
    """MER2024: labeled clips of film and television, 6 emotions, some with open words.

    Args:
        table: The csv that lists the clips, relative to the corpus folder, or absolute, with
            ``name,discrete``; None takes the release's own, ``label-disdim.csv``.
        use: ``train`` for training, a tenth of the clips for validation; ``test`` for testing.
        subtitles: Language of the transcripts; what is said is Chinese.
        leave_out: A csv whose ``name`` column says which clips are not served, relative to
            ``root``: those of the tests to come. None serves all.
        release: Folder below ``root`` that holds the release; None is ``mer2024``.
        name: Name in log keys; None is ``mer2024``.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all six.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows a validation part: nobody says who speaks.
    """

    name = "mer2024"
    labels: ClassVar = EMOTIONS
    listing = "label-disdim.csv"
    column: ClassVar = "discrete"
    beside: ClassVar = ("check-openset.csv", "subtitle_chieng.csv")
    places: ClassVar = ("video-labeled",)
    homepage: ClassVar = "https://github.com/zeroQiaoba/MERTools"
