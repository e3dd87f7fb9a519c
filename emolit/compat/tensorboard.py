"""What emolit writes to TensorBoard beyond the methods of torch's SummaryWriter.

Relies on the writer's attribute ``file_writer``, and on ``hparams`` of the module that makes its
summaries: `SummaryWriter.add_hparams` would open a run of its own for them.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

Settings = Mapping[str, str | float | bool]


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
