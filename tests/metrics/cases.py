"""Random answers and truths for the tests of metrics."""

import torch
from hypothesis import strategies as st
from torch import Tensor

Case = tuple[int, list[int], list[int]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """K in 2..8, answers in -1..K-1 and targets in 0..K-1; some classes stay absent."""
    num_classes = draw(st.integers(2, 8))
    size = draw(st.integers(1, 40))
    present = draw(st.lists(st.integers(0, num_classes - 1), min_size=1, max_size=num_classes))
    targets = draw(st.lists(st.sampled_from(present), min_size=size, max_size=size))
    answers = draw(st.lists(st.integers(-1, num_classes - 1), min_size=size, max_size=size))
    return num_classes, answers, targets


def tensors(case: Case) -> tuple[Tensor, Tensor]:
    """Answers and targets as int64."""
    return torch.tensor(case[1]), torch.tensor(case[2])


def with_extra_class(case: Case) -> list[int]:
    """Answers as scikit-learn takes them: unreadable is class K."""
    num_classes, answers, _ = case
    return [num_classes if answer == -1 else answer for answer in answers]
