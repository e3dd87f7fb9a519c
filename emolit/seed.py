"""The seed of the run: one number, set by ``seed_everything`` at the root of the config."""

import os


def run_seed() -> int:
    """Return the seed that ``seed_everything`` has set; 0 without one.

    Lightning hands it to all processes of a run through the environment. Data order, sampled
    responses and new weights are functions of it.
    """
    return int(os.environ.get("PL_GLOBAL_SEED", "0"))
