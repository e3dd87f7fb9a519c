"""A corpus that cannot be solved by listening: every clip has another clip's audio."""

from dataclasses import replace

import numpy as np

from emolit.corpora.synthetic import Synthetic
from emolit.types import Clip, Split


class Shuffled(Synthetic):
    """Synthetic with the audio files dealt out anew inside each split."""

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """Return the clips of a split, each with the file of a random one."""
        clips = super().clips(split)
        order = np.random.RandomState(0).permutation(len(clips))
        others = [clips[place] for place in order]
        return tuple(
            replace(clip, path=other.path, seconds=other.seconds)
            for clip, other in zip(clips, others, strict=True)
        )
