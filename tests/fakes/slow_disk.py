"""A disk that writes parts of checkpoints more slowly than a run trains."""

import threading
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from typing_extensions import override


class SlowDisk(Callback):
    """Lets parts that are written beside training wait for one more step, or for the end.

    Args:
        target: A file that gets the number of the process for each of them.
        fail: After which step the training fails; 0 is never.
    """

    def __init__(self, target: str, fail: int = 0) -> None:
        self.target = Path(target)
        self.fail = fail
        self.step = threading.Event()

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        before = FileSystemWriter.write_data

        def write_data(*given: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                if not self.step.wait(120):
                    raise TimeoutError("No step came: training waits for what is written.")
                time.sleep(0.3)  # the next save begins meanwhile
                with self.target.open("a") as file:
                    file.write(f"{trainer.global_rank}\n")
            return before(*given)

        FileSystemWriter.write_data = write_data

    @override
    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self.fail and trainer.global_step == self.fail:
            self.step.set()
            raise RuntimeError("The training fails.")

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.step.set()
        self.step = threading.Event()

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.step.set()
