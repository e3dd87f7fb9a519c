"""Where clips come from: one LightningDataModule a corpus."""

from emolit.corpora.base import Corpus

__all__ = ["Corpus"]
