"""What reads texts or hears clips for others: sentence encoders and classifiers, frozen."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor
from torchaudio.functional import resample

from emolit.engine.frozen_model import FrozenModel, Inputs, Item, Sound


class TextEncoder(FrozenModel[str]):
    """Reads texts; what is longer than the model reads is cut."""

    reader_class = "AutoTokenizer"

    def inputs(self, item: str) -> Inputs:
        """Return token ids and their mask."""
        positions = getattr(self.model.config, "max_position_embeddings", None)
        longest = min(self.reader.model_max_length, positions or 1 << 31)
        text = item.encode(errors="replace").decode()  # half a surrogate pair is no character
        tokens = self.reader(text, truncation=True, max_length=longest, return_tensors="pt")
        return {name: tokens[name] for name in self.reader.model_input_names if name in tokens}


POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda states: states.mean(1),
    "first": lambda states: states[:, 0],
    "last": lambda states: states[:, -1],
}
"""From the states of all tokens to one. ``[B, T, D]`` -> ``[B, D]``"""


class SentenceEncoder(TextEncoder):
    """Sentence embeddings of unit length.

    Args:
        checkpoint: A folder, or a hub id, of a sentence-transformers or any other text model.
        pooling: Mean of the tokens' states, or the state of the first or last token; what the
            model was trained with.
        batch_size: Texts of one length that are computed together.
        store: Folder where vectors are kept between steps and runs; None keeps none.
        layers: How many of the model's layers are kept, from the front; None keeps all. For models
            that were not trained for sentences (`tools/encoder_check.py`), and cheaper.
    """

    auto_class = "AutoModel"
    optional = ("pooler.",)

    def __init__(
        self,
        checkpoint: str,
        pooling: Literal["mean", "first", "last"] = "mean",
        batch_size: int = 32,
        store: str | None = None,
        layers: int | None = None,
    ) -> None:
        super().__init__(checkpoint, batch_size, store)
        self.pooling = pooling
        self.layers = layers

    def settings(self) -> object:
        """Return the pooling; the number of layers stands in the model's configuration."""
        return self.pooling

    def opening(self) -> dict[str, Any]:
        """Return the number of layers, where it is not the model's own."""
        return {} if self.layers is None else {"num_hidden_layers": self.layers}

    def read(self, output: Any) -> Tensor:
        """Pool the last layer."""
        pooled = POOLINGS[self.pooling](output.last_hidden_state)
        return torch.nn.functional.normalize(pooled, dim=-1)


class Classifier(FrozenModel[Item]):
    """Probabilities of the checkpoint's labels.

    They add up to 1, unless the checkpoint allows several labels at once
    (``problem_type: multi_label_classification``).
    """

    @property
    def labels(self) -> tuple[str, ...]:
        """The checkpoint's K labels."""
        names = self.model.config.id2label
        return tuple(str(names[place]) for place in range(len(names)))

    def read(self, output: Any) -> Tensor:
        """Return ``[B, K]``."""
        several = self.model.config.problem_type == "multi_label_classification"
        logits: Tensor = output.logits.float()
        return logits.sigmoid() if several else logits.softmax(-1)


class TextClassifier(TextEncoder, Classifier[str]):
    """Any text classifier of transformers."""

    auto_class = "AutoModelForSequenceClassification"


class AudioClassifier(Classifier[Sound]):
    """Any audio classifier of transformers; clips are resampled to what it hears."""

    auto_class = "AutoModelForAudioClassification"
    reader_class = "AutoFeatureExtractor"

    def inputs(self, item: Sound) -> Inputs:
        """Return the features of the whole clip."""
        rate = self.reader.sampling_rate
        waveform = resample(item.waveform.float().cpu(), item.sampling_rate, rate)
        return dict(self.reader(waveform.numpy(), sampling_rate=rate, return_tensors="pt"))
