"""An argument that is none of a few is refused with all of them."""

import pytest

from emolit.data.arguments import check_choice
from emolit.errors import ConfigError


class Corpus:
    pass


def test_one_of_a_few_comes_back_and_another_is_refused_with_all_of_them():
    assert check_choice(Corpus(), "fold", 3, range(1, 4)) == 3
    said = r"`fold` of Corpus is 4; choose one of \[1, 2, 3\] under `splits: five`\."
    with pytest.raises(ConfigError, match=said):
        check_choice(Corpus(), "fold", 4, range(1, 4), "`splits: five`")
