"""How weights follow the loss: the same values for both backends."""

from dataclasses import dataclass
from typing import Self

from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.training import TrainingConfig

ADAM_BETAS = (0.9, 0.99)
"""A shorter memory for squared gradients than Adam's own 0.999: trainings here have hundreds of steps."""

ADAM_EPSILON = 1e-8
"""Added to the root of the squared gradients."""


@dataclass(frozen=True)
class Optimisation:
    """How weights follow the loss; plain values that travel in checkpoints.

    Attributes:
        learning_rate: Step size of Adam.
        scheduler: Course of the learning rate.
        epochs: Epochs of the whole training.
        watched: Metric that plateau schedulers watch.
        probe_learning_rate: Step size for the probe; None takes learning_rate.
        gradient_clip_val: Bound on the gradients; None leaves them alone.
        gradient_clip_algorithm: "norm", "value" or "agc".
        warmup_epochs: Epochs in which a Cosine learning rate climbs.
        min_lr_ratio: Share of the learning rate that a Cosine ends at.
    """

    learning_rate: float = 1e-3
    scheduler: str = "Default"
    epochs: int = 1
    watched: str = "val_loss"
    probe_learning_rate: float | None = None
    gradient_clip_val: float | None = None
    gradient_clip_algorithm: str = "norm"
    warmup_epochs: int = 0
    min_lr_ratio: float = 0.1

    @classmethod
    def of(cls, training: TrainingConfig, execution: PyTorchExecutionConfig, watched: str) -> Self:
        """Read the values off the configurations of a run."""
        return cls(
            learning_rate=execution.learning_rate,
            scheduler=execution.scheduler,
            epochs=training.nepochs,
            watched=watched,
            probe_learning_rate=training.probe_learning_rate,
            gradient_clip_val=execution.gradient_clip_val,
            gradient_clip_algorithm=execution.gradient_clip_algorithm,
            warmup_epochs=execution.warmup_epochs,
            min_lr_ratio=execution.min_lr_ratio,
        )
