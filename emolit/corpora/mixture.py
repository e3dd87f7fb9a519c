"""Several corpora as one: weighted together in training, apart in validation and test."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import get_args

from emolit.affect.taxonomy import Taxonomy, in_order
from emolit.corpora.base import ROOT, Corpus
from emolit.data.conditions import Condition, under_conditions
from emolit.data.dataset import LoaderSettings, training_sampler
from emolit.data.sampler import ClipLoader, ClipSampler
from emolit.errors import ConfigError, CorpusError
from emolit.prompts import Prompt
from emolit.types import Clip, Split

SPLITS: tuple[Split, ...] = get_args(Split)


class Mixture(Corpus):
    """Several corpora under one label set and one prompt.

    Training draws from all of them. Validation and test give one loader each, in the order of
    ``corpora``; a corpus without clips in a split has no loader there. Each member maps its own
    labels and says for itself whether it is speaker-independent.

    A member of weight 0 is watched: training never sees it, and draws the very batches that it
    would draw without it, but validation scores it as ``val/<corpus>/…``.

    Args:
        corpora: The members.
        root: Parent folder of all corpora, given to every member; a member may name a root of
            its own only where this one is left at its default.
        prompt: What is asked about every clip.
        labels: The label set, in class order; None takes the union of the members' in canonical
            order. A member's clips of other labels are dropped, counted and logged.
        weights: Share of each member in a training epoch, of any sum, 0 for none; None reads
            every training clip once. An epoch has as many clips as the members that train.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio, in all members.
        all_test: Names of members whose clips are all test clips, whatever their split: corpora
            that nothing was trained on.
    """

    name = "mixture"

    def __init__(
        self,
        corpora: list[Corpus],
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        weights: list[float] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        all_test: list[str] | None = None,
    ) -> None:
        super().__init__(root, prompt, labels, loading=loading)
        self.corpora = list(corpora)
        self.weights = weights
        for member in self.corpora:
            self._adopt(member)
        self._check_members()
        self._check_weights()
        self._serve_as_test(all_test or [])

    def _adopt(self, member: Corpus) -> None:
        """Give root and loading to a member.

        Raises:
            ConfigError: It has settings of its own that differ.
        """
        if self.root != ROOT and member.root not in (ROOT, self.root):
            raise ConfigError(
                f"The mixture's `root` is {self.root!r} and that of its member {member.name!r} is "
                f"{member.root!r}; name it once, on the mixture."
            )
        if member.loading not in (LoaderSettings(), self.loading):
            raise ConfigError(
                f"The mixture's member {member.name!r} has its own `loading`; set it on the "
                "mixture, for all members."
            )
        member.root = member.root if self.root == ROOT else self.root
        member.loading = self.loading

    def _check_members(self) -> None:
        if not self.corpora:
            raise ConfigError("The mixture has no `corpora`; name one or more.")
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ConfigError(
                f"The mixture has several corpora named {twice}, which would share log keys; "
                "remove one, or give a manifest another `name`."
            )

    def _serve_as_test(self, names: Sequence[str]) -> None:
        strangers = sorted({*names}.difference(self.names))
        if strangers:
            raise ConfigError(
                f"The mixture's `all_test` names {strangers}, which are no members; it has "
                f"{list(self.names)}."
            )
        for member in self.corpora:
            member.all_test = member.name in names

    def _check_weights(self) -> None:
        if self.weights is None:
            return
        fits = len(self.weights) == len(self.corpora)
        if not fits or min(self.weights) < 0 or sum(self.weights) <= 0:
            raise ConfigError(
                f"The mixture's `weights` are {self.weights}; give one of 0 or more for each of "
                f"{list(self.names)}, not all 0."
            )

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips of all members out of their own folders, parted by each member."""
        for member in self.corpora:
            yield from member.partition(member.read_release())

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The label set in class order: the labels given, or the union of the members'."""
        if self.requested_labels is not None:
            return Taxonomy(tuple(self.requested_labels))
        return Taxonomy(in_order(chain(*(member.taxonomy.labels for member in self.corpora))))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members."""
        return tuple(chain(*(member.names for member in self.corpora)))

    @property
    def licenses(self) -> dict[str, dict[str, str]]:
        """License and homepage of each member."""
        return dict(chain(*(member.licenses.items() for member in self.corpora)))

    @property
    def folders(self) -> dict[str, Path]:
        """The folder of each member."""
        return dict(chain(*(member.folders.items() for member in self.corpora)))

    def prepare_data(self) -> None:
        """Prepare every member."""
        for member in self.corpora:
            member.prepare_data()

    def setup(self, stage: str | None = None) -> None:
        """Set up every member under the common label set. Runs once."""
        if self._splits:
            return
        for member in self.corpora:
            self._narrow(member)
            member.setup(stage)
        self._check_clips()
        self._splits = {
            split: tuple(chain(*(member.clips(split) for member in self.corpora)))
            for split in get_args(Split)
        }
        self._censuses = tuple(chain(*(member.censuses for member in self.corpora)))

    def _check_clips(self) -> None:
        """Refuse a recording that two members serve, told by its id or by its file."""
        owners: dict[tuple[object, ...], str] = {}
        for clip in chain(*(member.clips(split) for member in self.corpora for split in SPLITS)):
            file = (self.folders[clip.corpus] / clip.path).absolute()
            for key in ((clip.id,), (file, clip.start)):
                other = owners.setdefault(key, clip.corpus)
                if other != clip.corpus:
                    raise CorpusError(
                        f"The mixture's members {other!r} and {clip.corpus!r} both have the clip "
                        f"{clip.id!r} ({file}). Remove one of them if it is the same recording; "
                        "otherwise give the clips of a manifest other ids."
                    )

    def _narrow(self, member: Corpus) -> None:
        own = member.taxonomy.labels
        common = tuple(label for label in own if label in self.taxonomy)
        if own and not common:
            raise ConfigError(
                f"The mixture's labels {list(self.taxonomy.labels)} hold none of {member.name!r}: "
                f"{list(own)}. Give that member a `label_map`."
            )
        member.taxonomy = Taxonomy(common)

    @property
    def training_names(self) -> tuple[str, ...]:
        """Names of the members that have a weight and training clips."""
        weights = self.weights or [1] * len(self.corpora)
        members = zip(self.corpora, weights, strict=True)
        return tuple(one.name for one, weight in members if weight > 0 and one.clips("train"))

    def train_dataloader(self) -> ClipLoader:
        """Return shuffled training batches of all members by their weights.

        Raises:
            ConfigError: A member without training clips has a weight.
        """
        weights = self.weights or [len(member.clips("train")) for member in self.corpora]
        drawn = [
            (member, weight)
            for member, weight in zip(self.corpora, weights, strict=True)
            if weight > 0
        ]
        parts = [member.clips("train") for member, _ in drawn]
        for (member, _), part in zip(drawn, parts, strict=True):
            if not part:
                raise ConfigError(
                    f"The mixture's member {member.name!r} has no training clips; set its weight "
                    "to 0."
                )
        shares = self.weights and [weight for _, weight in drawn]
        sizes = [len(part) for part in parts]
        clips = tuple(chain(*parts))
        sampler = training_sampler(self.name, clips, self.loading, sizes, shares)
        return self.loader(clips, sampler, training=True)

    def val_dataloader(self) -> list[ClipLoader]:
        """Return the validation batches of each member that has some."""
        return self._apart("val")

    def test_dataloader(self) -> list[ClipLoader]:
        """Return the test batches of each member that has some, with those under conditions."""
        return self._apart("test", self.conditions)

    def predict_dataloader(self) -> list[ClipLoader]:
        """Return batches of the test clips of each member that has some."""
        return self._apart("test")

    def _apart(
        self, split: Split, conditions: Mapping[str, Condition] = MappingProxyType({})
    ) -> list[ClipLoader]:
        parts = [under_conditions(member.clips(split), conditions) for member in self.corpora]
        return [self.loader(part, ClipSampler([len(part)])) for part in parts if part]
