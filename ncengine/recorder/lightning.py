"""Lightning: the collapse of a module that its Trainer trains."""

from __future__ import annotations

from typing import Any

from ncengine.recorder.during import During
from ncengine.recorder.extras import extra
from ncengine.recorder.recorder import Recorder
from ncengine.recorder.snapshot import Snapshot

with extra("lightning"):
    from lightning.pytorch import Callback, LightningModule, Trainer


class CollapseCallback(Callback):
    """Takes a snapshot at the end of epochs, and logs its figures as `collapse/nc1` and so on.

        trainer = lightning.Trainer(callbacks=[CollapseCallback(probe=loader)])

    The module's `forward` gives the logits (B, K). Where there are several processes the first one
    measures, and all log what it measured, so that any callback can watch it.
    """

    def __init__(self, *, probe: Any, every: int = 1, **options: Any):
        """Nothing is read yet.

        Args:
            probe: training samples, see `Recorder`.
            every: so many epochs from one snapshot to the next.
            options: of `Recorder`: head, layers, test, name and so on.

        Raises:
            TypeError: there is no such option.
            ValueError: every is no whole number, at least 1.
        """
        super().__init__()
        self._during = During(probe, every, options)

    @property
    def recorder(self) -> Recorder | None:
        """Of the training that goes on or was last, in the first process."""
        return self._during.recorder

    @property
    def snapshots(self) -> list[Snapshot]:
        """What was recorded, oldest first."""
        return self._during.snapshots

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find the head, and read the probe.

        Raises:
            HeadNotFound: no linear layer gives the logits; says which candidates there are.
            ValueError: an option is not what it can be, or parameters are spread over processes.
        """
        if trainer.is_global_zero:
            self._during.begin(pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure, and log."""
        figures: dict[str, float] = {}
        if trainer.is_global_zero:
            figures = self._during.ask(trainer.current_epoch)
        figures = trainer.strategy.broadcast(figures)
        if figures:
            # The mean of what is the same in all: else it warns that they may differ.
            pl_module.log_dict(figures, sync_dist=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let go of model and samples."""
        self._during.end()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Let go of them where training ends otherwise."""
        self._during.end()
