"""Measured features and a support vector machine: the baseline of the years before networks.

eGeMAPS are 88 functionals of pitch, loudness, spectrum and timing (Eyben et al. 2016), measured by
openSMILE. openSMILE is for research and teaching; its license allows no commercial use.
"""

from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from emolit.affect.taxonomy import Taxonomy
from emolit.engine.inputs.clip_features import ClipFeatures
from emolit.errors import ConfigError, PolicyError
from emolit.policies.estimator import Estimator, check_cost
from emolit.types import Batch

FILE = "estimator.skops"
"""Holds the fitted machine; skops reads it without running what stands in it."""
NEEDED = ("opensmile", "sklearn", "skops")
"""Packages of the extra ``baselines``."""


class Functionals(Estimator):
    """A support vector machine on eGeMAPS, standardized; `EstimatorFitting` fits it.

    Its scores are those of the machine's decision, one label against the others: they rank labels
    and are no calibrated probabilities.

    Args:
        checkpoint: A folder that training wrote; None fits anew.
        kernel: Of the machine; None takes ``rbf``, or that of the checkpoint.
        cost: C, what the loss of a training clip weighs against half the squared weights; None
            takes 1, or that of the checkpoint.
        store: Folder where functionals are kept between runs; None keeps none.
        taxonomy: Labels; linked by the command line, do not set it here.

    Raises:
        ConfigError: ``cost`` is not above 0.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        kernel: Literal["linear", "rbf"] | None = None,
        cost: float | None = None,
        store: str | None = None,
        taxonomy: Taxonomy | None = None,
    ) -> None:
        super().__init__(checkpoint, taxonomy)
        check_cost(self, cost)
        self.kernel, self.cost, self.store = kernel, cost, store
        self._estimator: Any = None

    def new_settings(self) -> dict[str, Any]:
        """Return kernel and cost."""
        cost = 1.0 if self.cost is None else self.cost
        return {"kernel": self.kernel or "rbf", "cost": cost}

    def asked_settings(self) -> dict[str, Any]:
        """Return kernel and cost."""
        return {"kernel": self.kernel, "cost": self.cost}

    def make(self, seed: int) -> None:
        """Make a machine that is not fitted, and openSMILE.

        Raises:
            ConfigError: Packages are missing.
        """
        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            raise ConfigError(
                f"Functionals needs {', '.join(missing)}; install them with `pip install "
                "'emolit[baselines]'`. openSMILE is for research and teaching only: its license "
                "allows no commercial use."
            )
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC

        machine = SVC(kernel=self.settings["kernel"], C=self.settings["cost"])
        self._estimator = make_pipeline(StandardScaler(), machine)
        self._features = ClipFeatures(
            self._functionals, lambda: f"eGeMAPSv02 of opensmile {version('opensmile')}", self.store
        )

    @cached_property
    def _smile(self) -> Any:
        """What measures."""
        import opensmile

        return opensmile.Smile(
            feature_set=opensmile.FeatureSet.eGeMAPSv02,
            feature_level=opensmile.FeatureLevel.Functionals,
        )

    def measure(self, batch: Batch) -> Tensor:
        """Return the functionals of each clip. ``[B, 88]`` float32.

        Raises:
            PolicyError: openSMILE finds no number for one.
        """
        found = self._features(batch)
        whole = found.isfinite().all(1).tolist()
        if not all(whole):
            clip = batch.clips[whole.index(False)]
            raise PolicyError(
                f"openSMILE finds no number for some functionals of the clip {clip.id!r} of "
                f"{clip.corpus!r}; it may be too short or silent. Leave it out of the table."
            )
        return found

    def fit(self, features: Tensor, labels: Tensor) -> None:
        """Fit the machine.

        Raises:
            PolicyError: All training clips have one label.
        """
        found = sorted({*labels.tolist()})
        if len(found) < 2:
            said = ", ".join(self.labels[label] for label in found)
            raise PolicyError(
                f"All {len(labels)} training clips have the label {said!r}, and a machine needs "
                "two to tell apart; look at the table, or at `labels` of the data."
            )
        self._estimator.fit(features.numpy(), labels.numpy())

    def predict(self, features: Tensor) -> Tensor:
        """Return the machine's decision; -inf for labels that no training clip had. ``[N, K]``."""
        found = torch.from_numpy(self._estimator.decision_function(features.numpy())).float()
        if found.dim() == 1:  # of two labels there is one score
            found = torch.stack([-found, found], dim=1)
        scores = torch.full((len(features), len(self.labels)), float("-inf"))
        scores[:, torch.from_numpy(self._estimator.classes_)] = found
        return scores

    def save_more(self, folder: Path) -> None:
        """Write the machine."""
        import skops.io

        skops.io.dump(self._estimator, folder / FILE)

    def load_more(self, folder: Path) -> None:
        """Read the machine.

        Raises:
            PolicyError: The file holds more than such a machine.
        """
        import skops.io

        path = folder / FILE
        odd = skops.io.get_untrusted_types(file=path)
        if odd:
            raise PolicyError(
                f"{path} holds {odd[0]}, which a support vector machine does not; it may run code. "
                "Get the checkpoint again, from somebody you trust."
            )
        self._estimator = skops.io.load(path, trusted=[])

    def _functionals(self, waveform: Tensor, rate: int) -> Tensor:
        """Return the functionals of a clip. ``[88]``."""
        table = self._smile.process_signal(waveform.numpy(), rate)
        return torch.tensor(table.to_numpy()[0], dtype=torch.float32)
