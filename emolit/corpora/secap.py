"""SECap: Mandarin speech with a free caption of how it sounds; the public test set.

Layout: ``dataset/fid2captions.json``, one caption a clip by its id; ``dataset/text.txt``, a line
``<id> <transcript>`` a clip, with a blank or a tab between, in
UTF-8, UTF-16 or GB 18030; ``dataset/wav/<id>.wav`` (or another
audio extension). The part ``dataset/`` may be left out. There are neither classes nor speakers.

Splits: the release is a test set of 600 clips, its training set is not public. The folds are ours:
clips with the same caption stay together, captions are dealt to five folds in the order of a hash,
fold k is tested, half of the next one is for validation (`emolit.data.folds`). Nobody says who
speaks, so that no split is known to be speaker-independent: that needs
``speaker_independent: false``, and every report says so.

License: none stated; research only. Xu et al. 2024, https://arxiv.org/abs/2312.10381.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from lightning.pytorch.utilities import rank_zero_info

from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.data.folds import FOLDS, in_folds
from emolit.errors import CorpusError
from emolit.files.disk import guess_encoding, json_of, lines_of, text_of
from emolit.files.media import AUDIO
from emolit.prompts import Prompt
from emolit.text.tokenizer import tidy
from emolit.types import Clip

CAPTIONS = "fid2captions.json"


class SECap(Corpus):
    """SECap: 600 Mandarin clips with captions and transcripts; five folds of ours.

    Args:
        fold: Which fifth is tested, 1 to 5.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip, such as `Caption`.
        labels: Without effect: the clips have no labels.
        label_map: Without effect, as above.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: Must be false: nobody says who speaks.
    """

    name = "secap"
    size: ClassVar = 600
    homepage: ClassVar = "https://github.com/thuhcsi/SECap"
    license: ClassVar = "none stated; research only"

    def __init__(
        self,
        fold: Literal[1, 2, 3, 4, 5] = 1,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.fold = check_choice(self, "fold", fold, range(1, FOLDS + 1))

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips, by id."""
        file = next(
            (f for f in (folder / "dataset" / CAPTIONS, folder / CAPTIONS) if f.is_file()), None
        )
        if file is None:
            raise CorpusError(
                f"The captions of SECap are missing: looked for {folder / 'dataset' / CAPTIONS}. "
                f"Set `root` to the folder above, or get it from {self.homepage}."
            )
        captions, texts = captions_in(file), transcripts_in(file.with_name("text.txt"))
        audio = {p.stem: p for p in sorted(file.parent.glob("wav/*")) if p.suffix.lower() in AUDIO}
        for what, names in (
            ("transcripts", captions.keys() - texts.keys()),
            ("recordings and no caption", audio.keys() - captions.keys()),
        ):
            if names:
                rank_zero_info(f"secap: {len(names)} clips have no {what}, such as {min(names)!r}")
        for name, caption in sorted(captions.items()):
            path = audio.get(name, file.parent / "wav" / f"{name}.wav")
            yield Clip(
                id=name,
                corpus=self.name,
                path=path.relative_to(folder).as_posix(),
                transcript=texts.get(name),
                captions=(caption,),
            )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of their caption in this fold."""
        splits = in_folds({clip.captions[0] for clip in clips}, self.fold)
        return [replace(clip, split=splits[clip.captions[0]]) for clip in clips]

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say whose folds these are."""
        return (f"fold {self.fold} of 5, emolit's own, by caption",)


def captions_in(file: Path) -> dict[str, str]:
    """Return the caption of each clip.

    Raises:
        CorpusError: The file is no JSON object of texts.
    """
    found = json_of(file)
    wrong = (
        [name for name, text in found.items() if not isinstance(text, str) or not tidy(text)]
        if isinstance(found, dict)
        else [file.name]
    )
    if wrong:
        raise CorpusError(
            f"{file} gives no caption for {wrong[0]!r}; it should be an object of texts by id. "
            "Get the release again."
        )
    return {name: tidy(text) for name, text in found.items()}


def transcripts_in(file: Path) -> dict[str, str]:
    """Return what is said in each clip; nothing where the file is missing."""
    if not file.is_file():
        return {}
    lines = (line.split(None, 1) for line in lines_of(text_of(file, guess_encoding)))
    return {fields[0]: fields[1].strip() for fields in lines if len(fields) == 2}
