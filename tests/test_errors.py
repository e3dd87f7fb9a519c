"""Errors have one base, so that a caller can tell emolit's own from all others."""

import inspect

from emolit import errors


def test_every_error_is_an_emolit_error_and_documented():
    found = [thing for thing in vars(errors).values() if inspect.isclass(thing)]
    assert len(found) > 4
    assert all(issubclass(thing, errors.EmolitError) and thing.__doc__ for thing in found)
