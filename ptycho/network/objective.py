"""What a training minimises: the weight of each term of the loss."""

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts.

    Attributes:
        nll: Poisson negative log-likelihood of the counts.
        mae: Mean absolute error of the normalised amplitude.
        realspace: All terms in the object plane together.
        realspace_mae: Within them, the error against labelled patches; the total variation counts 1.
        supervised: Learn from labelled patches alone.
    """

    nll: float = 1.0
    mae: float = 0.0
    realspace: float = 0.0
    realspace_mae: float = 0.0
    supervised: bool = False

    def __post_init__(self) -> None:
        if not (self.supervised or self.nll or self.mae or self.realspace):
            raise ValueError(
                "the training loss is zero everywhere: no term has a weight\n"
                "  expected  training.nll_weight, mae_weight or realspace_weight above 0\n"
                "  try       training.nll_weight = 1"
            )

    @classmethod
    def of(cls, training: Any) -> Self:
        """Read the weights off a training configuration (`ptycho.config.config.TrainingConfig`).

        `torch_loss_mode = "mae"` trades the likelihood for the amplitude error.
        """
        nll, mae = float(training.nll_weight), float(training.mae_weight)
        if training.torch_loss_mode == "mae":
            nll, mae = 0.0, mae or 1.0
        return cls(
            nll=nll,
            mae=mae,
            realspace=float(training.realspace_weight),
            realspace_mae=float(training.realspace_mae_weight),
            supervised=training.model.model_type == "supervised",
        )

    def terms(self) -> list[str]:
        """Name the terms that are computed."""
        return [name for name, factor in self.factors().items() if factor]

    def factors(self) -> dict[str, float]:
        """Give the factor of each term that may be computed."""
        if self.supervised:
            return {"labels": 1.0}
        return {
            "nll": self.nll,
            "mae": self.mae,
            "tv": self.realspace,
            "labels": self.realspace * self.realspace_mae,
        }

    @property
    def labelled(self) -> bool:
        """Whether a term compares with labelled patches."""
        return "labels" in self.terms()


LABELS_MISSING = (
    "DATA-SUP-001: this loss compares with labelled patches, and the scan has none\n"
    "  expected  complex patches (n, N, N) under the key 'Y' or 'label' of the scan file\n"
    '  try       model.model_type = "pinn" with training.realspace_mae_weight = 0'
)
"""The error of a loss that needs labels and gets none."""
