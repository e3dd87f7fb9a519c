"""The two expensive passes, sampling and scoring, over any transformers model."""
