"""Sizes of the models that the headline experiments train, and of the cards they train on."""

from dataclasses import dataclass

NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes of a weight in four bits: for 64 a scale of one byte, for 256 scales one of four."""


@dataclass(frozen=True)
class Model:
    """Sizes of a model.

    Attributes:
        width: Of the residual stream.
        layers: Of the language model.
        heads: Of attention, `head_width` wide.
        key_heads: Of keys and values.
        inner: Width inside of a layer, or of an expert.
        vocabulary: Tokens.
        rest: Parameters of towers and projectors.
        experts: Of a layer; 0 where there are none.
        active: Experts that a token passes through.
        biased: Whether queries, keys and values have a bias.
        normed: Whether queries and keys are normed.
    """

    width: int
    layers: int
    heads: int
    key_heads: int
    inner: int
    vocabulary: int
    rest: float
    head_width: int = 128
    experts: int = 0
    active: int = 0
    tied: bool = False
    biased: bool = True
    normed: bool = False

    @property
    def attention(self) -> int:
        """Weights of a layer's four matrices of attention."""
        return self.width * self.head_width * 2 * (self.heads + self.key_heads)

    def layer(self, experts: int | None = None) -> int:
        """Parameters of a layer, with that many experts; None means all."""
        small = 2 * self.width + (2 * self.head_width if self.normed else 0)
        if self.biased:
            small += self.head_width * (self.heads + 2 * self.key_heads)
        inside = 3 * self.width * self.inner
        if self.experts:
            count = self.experts if experts is None else experts
            inside = count * inside + self.width * self.experts
        return self.attention + inside + small

    @property
    def head(self) -> int:
        """Weights of the head."""
        return self.width * self.vocabulary

    @property
    def embeddings(self) -> int:
        """Parameters of embedding and head."""
        return self.head * (1 if self.tied else 2)

    @property
    def parameters(self) -> float:
        """All of them."""
        return self.layers * self.layer() + self.embeddings + self.width + self.rest

    @property
    def read(self) -> int:
        """Parameters that a decoded token passes through; towers are computed once a clip."""
        return self.layers * self.layer(self.active) + self.head + self.width

    @property
    def carrying(self) -> int:
        """Weights of the layers that carry adapters: of experts none."""
        return self.layers * (self.attention + (0 if self.experts else 3 * self.width * self.inner))

    def adapters(self, rank: int) -> int:
        """Parameters of adapters: rank times inputs plus outputs of each layer that has one."""
        wide, narrow = self.head_width * self.heads, self.head_width * self.key_heads
        ends = 2 * (self.width + wide) + 2 * (self.width + narrow)
        return rank * self.layers * (ends + (0 if self.experts else 3 * (self.width + self.inner)))

    @property
    def cached(self) -> int:
        """Numbers that a token leaves in the cache."""
        return 2 * self.layers * self.key_heads * self.head_width


MODELS = {
    "qwen25_omni_3b": Model(2048, 36, 16, 2, 11008, 151936, 1.31e9),
    "qwen2_audio": Model(4096, 32, 32, 32, 11008, 156032, 0.6424e9),
    "qwen25_omni": Model(3584, 28, 28, 4, 18944, 152064, 1.3164e9),
    "qwen3_omni_30b": Model(
        2048, 48, 32, 4, 768, 152064, 1.2e9, experts=128, active=8, biased=False, normed=True
    ),
}
"""Sizes as the models were published with; `rest` of the 3B and the 30B is rounded."""


@dataclass(frozen=True)
class Card:
    """A GPU, as its maker states it: memory and its bandwidth in bytes, operations in bfloat16."""

    memory: float
    bandwidth: float
    operations: float


CARDS = {
    "h200": Card(141e9, 4.8e12, 989e12),
    "h100": Card(80e9, 3.35e12, 989e12),
    "a100": Card(80e9, 2.04e12, 312e12),
    "l40s": Card(48e9, 0.864e12, 362e12),
    "rtx4090": Card(24e9, 1.01e12, 165e12),
}
