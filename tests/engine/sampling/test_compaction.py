"""Rows that have ended leave the batch: all at once, or by powers of two."""

import itertools

from emolit.engine.sampling.compaction import kept_places


def test_who_goes_on_stays_and_the_size_is_a_power_of_two_of_half_or_less():
    for size in range(1, 9):
        for going in itertools.product([True, False], repeat=size):
            rows = [place if on else None for place, on in enumerate(going)]
            exact, halved = kept_places(rows, halve=False), kept_places(rows, halve=True)
            left = [place for place in range(size) if going[place]]
            assert exact == (left or [0])
            assert set(left) <= set(halved) and halved == sorted(set(halved))
            powers = [power for power in (1, 2, 4) if max(len(left), 1) <= power <= size / 2]
            assert len(halved) == (powers[0] if powers else size)
