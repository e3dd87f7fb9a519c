"""From rewards to advantages; one paper, one file."""

from emolit.advantages.base import Advantage
from emolit.advantages.bnpo import beta_normalized
from emolit.advantages.dr_grpo import centered
from emolit.advantages.focal import Focal
from emolit.advantages.grpo import standardized
from emolit.advantages.maxrl import mean_normalized
from emolit.advantages.pass_at_k import PassAtK
from emolit.advantages.raft import Accepted
from emolit.advantages.reinforce_plus_plus import scaled_by_batch, standardized_by_batch
from emolit.advantages.rloo import leave_one_out

__all__ = [
    "Accepted",
    "Advantage",
    "Focal",
    "PassAtK",
    "beta_normalized",
    "centered",
    "leave_one_out",
    "mean_normalized",
    "scaled_by_batch",
    "standardized",
    "standardized_by_batch",
]
