"""Hugging Face transformers: the collapse of a model that its Trainer trains."""

from __future__ import annotations

from typing import Any

from ncengine.recorder.during import During
from ncengine.recorder.extras import extra
from ncengine.recorder.recorder import Recorder
from ncengine.recorder.snapshot import Snapshot

with extra("transformers"):
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

AT = ("epoch", "evaluate")


class CollapseCallback(TrainerCallback):
    """Takes a snapshot at the end of epochs, or at evaluations.

        trainer = transformers.Trainer(..., callbacks=[CollapseCallback(probe=loader)])

    Figures are added to the Trainer's `state.log_history`, as `collapse/nc1` and so on. Where there
    are several processes the first one measures.
    """

    def __init__(self, *, probe: Any, every: int = 1, at: str = "epoch", **options: Any):
        """Nothing is read yet.

        Args:
            probe: training samples, see `Recorder`. Callbacks are not told what the Trainer trains
                on: give a loader with the Trainer's collator, or a list of its batches.
            every: so many epochs, or evaluations, from one snapshot to the next.
            at: "epoch", or "evaluate", which follows the Trainer's `eval_strategy`.
            options: of `Recorder`: head, layers, test, name and so on.

        Raises:
            TypeError: there is no such option.
            ValueError: at or every is not what it can be.
        """
        if at not in AT:
            raise ValueError(f"at = {at!r}: must be {' or '.join(AT)}")
        self._at, self._during = at, During(probe, every, options)

    @property
    def recorder(self) -> Recorder | None:
        """Of the training that goes on or was last, in the first process."""
        return self._during.recorder

    @property
    def snapshots(self) -> list[Snapshot]:
        """What was recorded, oldest first."""
        return self._during.snapshots

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Find the head, and read the probe.

        Raises:
            HeadNotFound: no linear layer gives the logits; says which candidates there are.
            ValueError: an option is not what it can be, or parameters are spread over processes.
        """
        if state.is_world_process_zero:
            self._during.begin(given["model"])

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Measure, if that is when."""
        self._ask("epoch", state)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Measure, if that is when. What is evaluated outside of training is left alone."""
        self._ask("evaluate", state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Let go of model and samples."""
        self._during.end()

    def _ask(self, at: str, state: TrainerState) -> None:
        figures = self._during.ask(state.epoch or 0.0) if at == self._at else {}
        if figures:
            state.log_history.append({"epoch": state.epoch, "step": state.global_step, **figures})
