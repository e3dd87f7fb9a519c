"""How sure a policy is of each option: by the probability of saying it, or by asking again.

Both return a distribution over the options of a question. Its choice is the most probable option,
which need not be the answer that greedy decoding spells out token by token.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from emolit.errors import ConfigError
from emolit.prompts import Prompt
from emolit.seed import run_seed
from emolit.types import Rollout

if TYPE_CHECKING:
    from emolit.policies import Policy

FEWEST = 5
"""Self-consistency with fewer samples says little."""


class Confidence(ABC):
    """A distribution over the options of each question that was answered."""

    name: str
    """Stands in log keys and files."""

    @abstractmethod
    def weigh(self, policy: "Policy", prompt: Prompt, rollout: Rollout) -> Tensor:
        """Return the distributions of B questions, without gradients.

        Args:
            policy: Has answered.
            prompt: Has put the questions.
            rollout: The policy's answers, one a question.

        Returns:
            On the host, in the order of the options. ``[B, K]`` float64

        Raises:
            ConfigError: The questions have no closed options.
        """


class OptionProbability(Confidence):
    """Probability of each option's reply, renormalized over the options.

    The replies differ in the answer alone: before it stands what the policy itself has said
    (`Prompt.instead`), so that a policy that thinks is asked behind its own thoughts. All K replies
    of a question are scored as a group of K responses, on one prefill of the question, at
    temperature 1 and with all their tokens; no reply is preferred for being short or long.
    """

    name = "probability"

    def weigh(self, policy: "Policy", prompt: Prompt, rollout: Rollout) -> Tensor:
        """Score every option's reply."""
        batch, options = rollout.batch, _closed_options(rollout)
        replies = tuple(
            tuple(prompt.instead(clip, group[0], option) for option in options)
            for clip, group in zip(batch.clips, rollout.responses, strict=True)
        )
        told = policy.encode_responses(
            batch, replies, replace(rollout.sampling.greedy(), temperature=1.0)
        )
        with torch.no_grad():
            logprobs = policy.logprobs(told)
        return logprobs.double().sum(-1).softmax(-1).cpu()


class SelfConsistency(Confidence):
    """Share of each option among answers that are sampled besides (Wang et al. 2022).

    https://arxiv.org/abs/2203.11171. Unreadable answers are counted, so that shares may add up to
    less than 1.

    Args:
        samples: Answers a question, 5 at least.
        temperature: They are drawn at.
        top_p: Nucleus mass that they are drawn from.
    """

    name = "consistency"

    def __init__(self, samples: int = 5, temperature: float = 1.0, top_p: float = 1.0) -> None:
        if samples < FEWEST or temperature <= 0:
            raise ConfigError(
                f"`SelfConsistency` has {samples} samples at temperature {temperature:g}; "
                f"take {FEWEST} samples or more, at a temperature above 0."
            )
        self.samples = samples
        self.temperature = temperature
        self.top_p = top_p

    def weigh(self, policy: "Policy", prompt: Prompt, rollout: Rollout) -> Tensor:
        """Ask again and count."""
        options = _closed_options(rollout)
        sampling = replace(rollout.sampling, temperature=self.temperature, top_p=self.top_p)
        drawn = policy.sample(rollout.batch, self.samples, sampling, seed=run_seed(), step=0)
        counts = [
            [answers.count(option) for option in options]
            for answers in (
                [prompt.parse(response, options) for response in group] for group in drawn.responses
            )
        ]
        return torch.tensor(counts, dtype=torch.float64) / self.samples


def _closed_options(rollout: Rollout) -> tuple[str, ...]:
    """Return the options; refuse questions without."""
    if not rollout.batch.options:
        raise ConfigError(
            "A confidence is spread over the options of a question, and these questions are open; "
            "leave `confidence` of the evaluator out."
        )
    return rollout.batch.options
