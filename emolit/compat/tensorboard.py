"""What emolit writes to TensorBoard beyond the methods of torch's SummaryWriter.

Relies on the writer's attribute ``file_writer``, on the name that this one has for its file, and on
``hparams`` of the module that makes summaries: `SummaryWriter.add_hparams` would open a run of its
own for them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

Settings = Mapping[str, str | float | bool]
BEGINNING = "events.out.tfevents."
"""Of the name of a file; the second in which it was begun follows."""


def put_last(writer: "SummaryWriter") -> None:
    """Let the file of a writer be the last in its folder, also where the clock was put back.

    TensorBoard reads files in the order of their names, and lets a start that it reads later forget
    what it has read before. Where an older file has the name of a later one, all older ones get
    names from before this one, in their order.

    Args:
        writer: Which has just begun its file.
    """
    files: Any = writer.file_writer
    own = Path(files.event_writer._file_name)
    others = sorted(path for path in own.parent.glob(f"{BEGINNING}*") if path.name != own.name)
    if not others or others[-1].name < own.name:
        return
    second = int(own.name.removeprefix(BEGINNING).partition(".")[0])
    for place, path in enumerate(reversed(others), 1):
        rest = path.name.removeprefix(BEGINNING).partition(".")[2]
        path.rename(path.with_name(f"{BEGINNING}{second - place:010d}.{rest}"))


def mark_start(writer: "SummaryWriter", step: int) -> None:
    """Let TensorBoard forget what older files of the same run hold from a step on."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    files: Any = writer.file_writer
    files.add_event(Event(step=step, session_log=SessionLog(status=SessionLog.START)), step)


def write_hparams(
    writer: "SummaryWriter", settings: Settings, blank: Settings, metrics: Sequence[str]
) -> None:
    """Write the settings of a run for the HParams plugin.

    The plugin takes the columns of all runs from the first run that it finds. So each run declares
    all names that some run may have.

    Args:
        writer: Of the run.
        settings: By name.
        blank: A value of the right type for each name that some run has.
        metrics: Tags of the scalars whose last values stand beside them.
    """
    from torch.utils.tensorboard import summary

    files: Any = writer.file_writer
    make: Any = summary.hparams
    tags = dict.fromkeys(metrics, 0)
    columns, _, _ = make({**blank, **settings}, tags)
    _, start, end = make(dict(settings), tags)
    for each in (columns, start, end):
        files.add_summary(each)
