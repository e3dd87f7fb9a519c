"""One stage of a sweep from start to record, as a process that the engine starts.

python -m emolit.commands.sweep.job STAGES.pickle NUMBER
"""

import pickle
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from emolit.commands.sweep.plan import Stage
from emolit.commands.sweep.stage import (
    begin,
    choose,
    config_hash,
    refuse_changed,
    run,
    stage_lock,
    training_record,
    write,
)
from emolit.commands.sweep.words import command, expected
from emolit.errors import ConfigError


def main() -> int:
    """Run a stage; return 1 if it has failed, and leave why beside the pickle."""
    path, number = Path(sys.argv[1]), sys.argv[2]
    try:
        stages, extra = pickle.loads(path.read_bytes())
    except FileNotFoundError:
        print(f"not done  stage {number}: {path} was removed while the sweep ran.", flush=True)
        return 1
    stage = stages[int(number)]
    try:
        stage.folder.mkdir(parents=True, exist_ok=True)
        with stage_lock(stage.folder) as lock:
            complete(stage, extra, lock)
    except (ConfigError, OSError) as error:
        print(f"not done  {stage.folder}: {error}", flush=True)
        if path.is_file():
            path.with_name(f"{number}.failed").write_text(str(error), encoding="utf-8")
        return 1
    return 0


def complete(stage: Stage, extra: tuple[str, ...], lock: int) -> None:
    """Run a stage that nobody else is running, unless it is finished.

    Raises:
        ConfigError: It has failed, or was run as something else before.
    """
    wanted = expected(stage, extra)
    if (stage.folder / "run.json").is_file():
        refuse_changed(stage.folder, wanted)
        print(f"finished  {stage.folder}", flush=True)
        return
    started = time.perf_counter()
    begun = begin(stage.folder, wanted)
    if stage.candidates:
        choose(stage)
    else:
        print(f"running   {wanted['command']}", flush=True)
        resumed = stage.subcommand == "fit" and (stage.folder / "last.ckpt").is_file()
        words = [*command(stage, extra), *(["--ckpt_path", "last"] if resumed else [])]
        run(words, stage.folder, lock)
    seconds = time.perf_counter() - started
    record = {
        **{"arm": stage.arm, "stage": stage.name, "subcommand": stage.subcommand, **stage.cell},
        **begun,
        "seconds": round(seconds, 1),
        "config": config_hash(stage),
        **training_record(stage),
        "date": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    write(stage.folder / "run.json", record)
    print(f"done      {stage.folder} in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
