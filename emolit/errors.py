"""The handful of exceptions a user will meet.

Each message names the thing, the value and the next step.
"""


class EmolitError(Exception):
    """Base of all errors that emolit raises on purpose."""


class CorpusError(EmolitError):
    """A release, a manifest or a label file is not what it should be."""


class AudioError(EmolitError):
    """One audio or video file cannot be used; the message names the file and the reason."""


class PolicyError(EmolitError):
    """A checkpoint, a processor or a model does not fit."""


class RewardError(EmolitError):
    """A reward failed or returned something that is no number."""


class ConfigError(EmolitError):
    """Two settings do not go together."""


class NonFiniteError(PolicyError, RewardError):
    """Weights, probabilities, a loss, a gradient or a reward are NaN or infinite.

    A ``fit`` keeps what repeats the step (`emolit.callbacks.incident`).
    """


class RolloutError(EmolitError):
    """Whoever samples is away, says something unreadable, or is no longer the policy."""
