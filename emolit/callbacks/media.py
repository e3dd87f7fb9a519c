"""What is no number, for each of Lightning's loggers: text, pictures, sound, histograms, settings.

`media` gives one `Media` a logger. A logger that is not listed here gets numbers and settings only.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import soundfile
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import (
    CSVLogger,
    Logger,
    MLFlowLogger,
    TensorBoardLogger,
    WandbLogger,
)
from torch import Tensor
from typing_extensions import override

from emolit.compat.tensorboard import Settings, mark_start, put_last, write_hparams

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch.utils.tensorboard import SummaryWriter

Charts = Mapping[str, Sequence[str]]


class Media:
    """What a logger shows beside curves; what it cannot show is left out.

    Args:
        logger: Of Lightning.
    """

    def __init__(self, logger: Any) -> None:
        self.logger = logger

    def begin(self, step: int) -> None:
        """Leave out what an earlier start of the same run has logged from a step on."""

    def add_settings(self, settings: Settings, blank: Settings, metrics: Sequence[str]) -> None:
        """Log what runs are compared by.

        Args:
            settings: Of this run, by name.
            blank: A value of the right type for each name that some run has.
            metrics: Tags of the curves whose last values stand beside them.
        """
        self.logger.log_hyperparams(dict(settings))

    def add_overview(self, charts: Charts) -> None:
        """Put some curves together on one page; each chart has the tags that fit its patterns."""

    def add_text(self, tag: str, markdown: str, step: int) -> None:
        """Show a text in Markdown."""

    def add_picture(self, tag: str, figure: "Figure", step: int) -> None:
        """Show a picture."""

    def add_sound(self, tag: str, waveform: Tensor, rate: int, step: int) -> None:
        """Let a waveform ``[samples]`` between -1 and 1 be heard."""

    def add_histogram(self, tag: str, values: Tensor, step: int) -> None:
        """Show how values are spread. ``[N]``."""


class TensorBoardMedia(Media):
    """TensorBoard: each kind has its own tab."""

    @property
    def writer(self) -> "SummaryWriter":
        """What writes the events."""
        writer: SummaryWriter = self.logger.experiment
        return writer

    @override
    def begin(self, step: int) -> None:
        put_last(self.writer)
        mark_start(self.writer, step)

    @override
    def add_settings(self, settings: Settings, blank: Settings, metrics: Sequence[str]) -> None:
        write_hparams(self.writer, settings, blank, metrics)
        self.logger.hparams.update(settings)
        Path(self.logger.log_dir, self.logger.NAME_HPARAMS_FILE).unlink(missing_ok=True)
        self.logger.save()  # it would leave an earlier file as it is

    @override
    def add_overview(self, charts: Charts) -> None:
        lines = {title: ["Multiline", list(tags)] for title, tags in charts.items()}
        self.writer.add_custom_scalars({"overview": lines})

    @override
    def add_text(self, tag: str, markdown: str, step: int) -> None:
        self.writer.add_text(tag, markdown, step)

    @override
    def add_picture(self, tag: str, figure: "Figure", step: int) -> None:
        self.writer.add_figure(tag, figure, step)

    @override
    def add_sound(self, tag: str, waveform: Tensor, rate: int, step: int) -> None:
        self.writer.add_audio(tag, waveform[None], step, rate)

    @override
    def add_histogram(self, tag: str, values: Tensor, step: int) -> None:
        self.writer.add_histogram(tag, values, step)


class WandbMedia(Media):
    """Weights & Biases: a key has one type, so text and sound get keys of their own."""

    @override
    def add_text(self, tag: str, markdown: str, step: int) -> None:
        import wandb
        from markdown import markdown as render  # type: ignore[import-untyped]  # no types; with TensorBoard

        page = wandb.Html(render(markdown, extensions=["tables"]))
        self.logger.log_metrics({f"{tag}/text": page}, step)

    @override
    def add_picture(self, tag: str, figure: "Figure", step: int) -> None:
        self.logger.log_image(tag, [figure], step)

    @override
    def add_sound(self, tag: str, waveform: Tensor, rate: int, step: int) -> None:
        self.logger.log_audio(f"{tag}/sound", [waveform.numpy()], step, sample_rate=[rate])

    @override
    def add_histogram(self, tag: str, values: Tensor, step: int) -> None:
        import wandb

        self.logger.log_metrics({tag: wandb.Histogram(values.tolist())}, step)


class MLFlowMedia(Media):
    """MLflow: artifacts of the run."""

    @override
    def add_text(self, tag: str, markdown: str, step: int) -> None:
        path = str(place(tag, step, "md"))
        self.logger.experiment.log_text(self.logger.run_id, markdown, path)

    @override
    def add_picture(self, tag: str, figure: "Figure", step: int) -> None:
        path = str(place(tag, step, "png"))
        self.logger.experiment.log_figure(self.logger.run_id, figure, path)

    @override
    def add_sound(self, tag: str, waveform: Tensor, rate: int, step: int) -> None:
        path = place(tag, step, "wav")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / path.name
            soundfile.write(file, waveform.numpy(), rate)
            self.logger.experiment.log_artifact(self.logger.run_id, str(file), str(path.parent))


class FolderMedia(Media):
    """CSVLogger: files beside its table."""

    def _file(self, tag: str, step: int, ending: str) -> Path:
        path = Path(self.logger.log_dir) / place(tag, step, ending)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @override
    def add_text(self, tag: str, markdown: str, step: int) -> None:
        self._file(tag, step, "md").write_text(markdown + "\n", encoding="utf-8")

    @override
    def add_picture(self, tag: str, figure: "Figure", step: int) -> None:
        figure.savefig(self._file(tag, step, "png"))

    @override
    def add_sound(self, tag: str, waveform: Tensor, rate: int, step: int) -> None:
        soundfile.write(self._file(tag, step, "wav"), waveform.numpy(), rate)


WAYS: dict[type[Logger], type[Media]] = {
    CSVLogger: FolderMedia,
    MLFlowLogger: MLFlowMedia,
    TensorBoardLogger: TensorBoardMedia,
    WandbLogger: WandbMedia,
}
"""The way of each logger, and of its subclasses."""


def media(trainer: Trainer) -> list[Media]:
    """Return what shows media, one a logger; call it in the first process only."""
    return [way(type(logger))(logger) for logger in trainer.loggers]


def way(kind: type[Logger]) -> type[Media]:
    """Return the way of a logger.

    Example:
        >>> way(CSVLogger).__name__, way(Logger).__name__
        ('FolderMedia', 'Media')
    """
    return next((WAYS[each] for each in kind.__mro__ if each in WAYS), Media)


def place(tag: str, step: int, ending: str) -> Path:
    """Return where a file of a tag and a step lies.

    Example:
        >>> place("rollouts/0", 50, "wav").as_posix()
        'media/rollouts/0/step-00000050.wav'
    """
    return Path("media", *tag.split("/"), f"step-{step:08}.{ending}")
