"""An estimator's scores are what it predicts from what it measures."""

import torch

from emolit.affect.taxonomy import Taxonomy
from emolit.policies.estimator import Estimator
from tests.tasks.toy import WORDS, asked


class Nearest(Estimator):
    """Scores by the distance to the mean of each label; measures the number of a clip."""

    def __init__(self):
        super().__init__(None, Taxonomy(WORDS))

    def new_settings(self):
        return {}

    def make(self, seed):
        self.register_buffer("means", torch.zeros(len(self.labels)))

    def measure(self, batch):
        return torch.tensor([[float(clip.id)] for clip in batch.clips])

    def fit(self, features, labels):
        for place in range(len(self.labels)):
            self.means[place] = features[labels == place].mean()

    def predict(self, features):
        return -(features - self.means).abs()


def test_scores_follow_from_measurements():
    policy = Nearest()
    policy.build(reference=False, seed=0)
    policy.fit(torch.tensor([[0.0], [1.0], [2.0], [3.0], [5.0]]), torch.tensor([0, 1, 2, 3, 3]))
    expected = torch.tensor([[0.0, -1, -2, -4], [-1, 0, -1, -3], [-2, -1, 0, -2], [-3, -2, -1, -1]])
    assert torch.equal(policy.logits(asked()), expected)
