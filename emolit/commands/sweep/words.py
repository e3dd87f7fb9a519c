"""The words of a stage's command, and what its record is to say of them."""

import json
import shlex
from typing import Any

from emolit.commands.sweep.plan import Stage
from emolit.commands.sweep.stage import digest, read_finished, relative, wall_time

CHECKPOINT = "--model.init_args.policy.init_args.checkpoint"


def expected(stage: Stage, extra: tuple[str, ...]) -> dict[str, Any]:
    """Return what the record of a stage is to say, if it is what the sweep says now."""
    return {
        "command": shlex.join(command(stage, extra)),
        "configs": {str(relative(path)): digest(path) for path in stage.configs},
        "sources": {str(folder): read_finished(folder)["date"] for folder in stage.sources},
    }


def command(stage: Stage, extra: tuple[str, ...] = ()) -> list[str]:
    """Return the words of a stage's command; ``extra`` are options of every stage."""
    if stage.candidates:
        return ["best", "of", *(str(candidate.folder) for candidate in stage.candidates)]
    options = {
        **stage.options,
        "seed_everything": stage.cell["seed"],
        "trainer.default_root_dir": str(stage.folder),
    }
    if stage.as_long_as is not None:
        options["trainer.max_time"] = wall_time(stage.as_long_as)
        options |= {"trainer.max_epochs": -1, "trainer.max_steps": -1}
    words = ["emolit", stage.subcommand]
    for path in stage.configs:
        words += ["--config", str(relative(path))]
    for name, value in options.items():
        words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    if stage.start is not None:
        words += [CHECKPOINT, str(stage.start / "best")]
    return [*words, *extra]
