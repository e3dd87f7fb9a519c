"""The most frequent label, whatever is heard."""

import pytest
import torch

from emolit.affect.taxonomy import Taxonomy
from emolit.policies.majority import Majority
from emolit.types import Sampling
from tests.tasks.toy import WORDS, asked


@pytest.fixture
def policy():
    made = Majority(taxonomy=Taxonomy(WORDS))
    made.build(reference=False, seed=0)
    return made


def answers(policy):
    rollout = policy.sample(asked(), 1, Sampling().greedy(), seed=0, step=0)
    return {group[0] for group in rollout.responses}


def test_it_says_the_most_frequent_label_and_knows_its_share(policy):
    labels = torch.tensor([3, 1, 3, 0, 3, 1])
    policy.fit(policy.measure(asked())[:0], labels)
    assert answers(policy) == {"<answer>sad</answer>"}
    expected = torch.tensor([2, 3, 1, 4]) / 10  # 1, 2, 0, 3 and one more of each
    torch.testing.assert_close(policy.logits(asked()).softmax(-1)[0], expected)


def test_of_equally_frequent_labels_the_first_is_said(policy):
    policy.fit(torch.empty(4, 0), torch.tensor([3, 1, 1, 3]))
    assert answers(policy) == {"<answer>happy</answer>"}


def test_the_counts_are_in_the_checkpoint(policy, tmp_path):
    policy.fit(torch.empty(3, 0), torch.tensor([2, 2, 0]))
    policy.save(tmp_path / "best")
    again = Majority(str(tmp_path / "best"))
    again.build(reference=False, seed=0)
    assert again.counts.tolist() == [1, 0, 2, 0]
