"""A linear probe on a frozen speech encoder, the baseline that a reviewer asks for first.

The states of all layers are pooled over time, standardized over the training clips, mixed by
learned weights (SUPERB, arXiv 2105.01051) and shown to a linear head, or to one with a hidden
layer.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from emolit.affect.taxonomy import Taxonomy
from emolit.engine.frozen_model import Sound
from emolit.engine.inputs.clip_features import ClipFeatures
from emolit.engine.towers.speech_encoder import Pooling, SpeechEncoder
from emolit.errors import ConfigError
from emolit.policies.estimator import Estimator, check_cost
from emolit.types import Batch

STEPS = 300
"""Of the solver, at most."""


class Probe(Estimator):
    """A head on the states of a frozen speech encoder.

    `EstimatorFitting` fits it: with one layer and no hidden one that is multinomial logistic
    regression, solved. The head is differentiable, so every other task can go on from there. Each
    clip is heard once a run. A checkpoint holds the head, names its encoder, and refuses settings
    that are not its own.

    Args:
        checkpoint: A folder that training wrote; None begins with a new head.
        encoder: A folder or hub id of Whisper, WavLM, HuBERT, wav2vec 2.0 or another speech
            encoder. A checkpoint names its own, which counts unless its folder is gone.
        layers: Whose states are mixed; 0 is what the first layer is given. None mixes all.
        pooling: ``mean`` of the frames, or ``mean_std``, mean and standard deviation side by side,
            which None takes.
        hidden: Width of a hidden layer; 0 leaves the head linear, and so does None.
        cost: C, what the loss of a training clip weighs against half the squared weights; None
            takes 1.
        store: Folder where pooled states are kept between runs; None keeps none.
        taxonomy: Labels of a new head; linked by the command line, do not set it here.

    Raises:
        ConfigError: ``cost`` is not above 0, or ``hidden`` is below 0.
    """

    center: Tensor
    scale: Tensor

    def __init__(
        self,
        checkpoint: str | None = None,
        encoder: str | None = None,
        layers: list[int] | None = None,
        pooling: Pooling | None = None,
        hidden: int | None = None,
        cost: float | None = None,
        store: str | None = None,
        taxonomy: Taxonomy | None = None,
    ) -> None:
        super().__init__(checkpoint, taxonomy)
        check_cost(self, cost)
        if hidden is not None and hidden < 0:
            raise ConfigError(f"`hidden` of Probe is {hidden}; give a width, or 0 for none.")
        self.encoder, self.layers, self.pooling, self.hidden = encoder, layers, pooling, hidden
        self.cost, self.store = 1.0 if cost is None else cost, store

    def new_settings(self) -> dict[str, Any]:
        """Return encoder, layers, pooling and hidden layer.

        Raises:
            ConfigError: There is no encoder.
        """
        if self.encoder is None:
            raise ConfigError(
                "`encoder` of Probe is missing; give the folder or hub id of a speech encoder, "
                "such as openai/whisper-base."
            )
        there = Path(self.encoder).is_dir()
        return {
            "encoder": str(Path(self.encoder).resolve()) if there else self.encoder,
            "layers": self.layers,
            "pooling": self.pooling or "mean_std",
            "hidden": self.hidden or 0,
        }

    def asked_settings(self) -> dict[str, Any]:
        """Return layers, pooling and hidden layer; the encoder's folder may be another one."""
        return {"layers": self.layers, "pooling": self.pooling, "hidden": self.hidden}

    def make(self, seed: int) -> None:
        """Make the head; the encoder is no part of the modules, so that nothing trains it.

        Raises:
            ConfigError: A layer is none of the encoder's.
        """
        made = self.settings
        gone = Path(made["encoder"]).is_absolute() and not Path(made["encoder"]).is_dir()
        encoder = self.encoder if gone and self.encoder is not None else made["encoder"]
        self._heard = SpeechEncoder(encoder, made["pooling"])
        self._features = ClipFeatures(self._hear, lambda: self._heard.fingerprint, self.store)
        depth = self._heard.layers
        kept = list(range(depth)) if made["layers"] is None else made["layers"]
        if not kept or not set(kept) <= set(range(depth)):
            raise ConfigError(
                f"`layers` of Probe is {kept}, and {self._heard.checkpoint!r} has the layers 0 to "
                f"{depth - 1}; name some of these."
            )
        self.kept = kept
        width, hidden, labels = self._heard.width, made["hidden"], len(self.labels)
        self.register_buffer("center", torch.zeros(len(kept), width))
        self.register_buffer("scale", torch.ones(len(kept), width))
        self.mixture = nn.Parameter(torch.zeros(len(kept)))
        self.head: nn.Module = nn.Linear(width, labels)
        if hidden:
            self.head = nn.Sequential(
                nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, labels)
            )

    @property
    def window(self) -> float | None:
        """Seconds that the encoder hears of a clip; None where there is no limit."""
        return self._heard.window

    def measure(self, batch: Batch) -> Tensor:
        """Return the pooled states of the layers that are mixed. ``[B, L, P]``."""
        return self._features(batch)[:, self.kept]

    def predict(self, features: Tensor) -> Tensor:
        """Return a score for each label, differentiable. ``[N, L, P]`` -> ``[N, K]``."""
        states = (features.to(self.center) - self.center) / self.scale
        found: Tensor = self.head(torch.einsum("l,nlp->np", self.mixture.softmax(0), states))
        return found

    def fit(self, features: Tensor, labels: Tensor) -> None:
        """Standardize by these clips, and minimize their loss by L-BFGS, in float64."""
        spread = features.double().std(0, correction=0)
        self.center.copy_(features.double().mean(0))
        self.scale.copy_(torch.where(spread > 0, spread, 1.0))
        self.double()
        states, wanted = features.to(self.center), labels.to(self.center.device)
        matrices = [weight for weight in self.head.parameters() if weight.dim() > 1]
        solver = torch.optim.LBFGS(
            [self.mixture, *self.head.parameters()],
            max_iter=STEPS,
            tolerance_grad=1e-6,
            line_search_fn="strong_wolfe",
        )

        def loss() -> Tensor:
            solver.zero_grad()
            error = nn.functional.cross_entropy(self.predict(states), wanted)
            size = torch.stack([weight.square().sum() for weight in matrices]).sum()
            total = error + size / (2 * self.cost * len(wanted))
            total.backward()  # type: ignore[no-untyped-call]  # torch's own
            return total

        with torch.enable_grad():
            solver.step(loss)  # type: ignore[no-untyped-call]  # torch's own
        solver.zero_grad()
        self.float()

    def _hear(self, waveform: Tensor, rate: int) -> Tensor:
        """Return the pooled states of a clip. ``[L, P]``."""
        return self._heard.encode([Sound(waveform, rate)], self.mixture.device)[0]
