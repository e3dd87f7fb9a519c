"""The contract of an objective cannot be half kept."""

import pytest

from emolit.objectives import Objective


def test_an_objective_without_its_methods_cannot_be_made():
    class Half(Objective):
        @property
        def needs_reference(self):
            return False

    with pytest.raises(TypeError, match="abstract"):
        Half()
