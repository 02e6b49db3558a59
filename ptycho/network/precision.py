"""The floating point of the convolutions: what was set, and what the device can do."""

from typing import Literal

from ptycho.settings.execution import PyTorchExecutionConfig

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]


def settle_precision(execution: PyTorchExecutionConfig) -> tuple[Precision, str | None]:
    """Give the precision in force, and a sentence where it is not the one that was set.

    bfloat16 keeps float32's range with fewer digits: the losses of float16, which overflows above 65504, have
    to be scaled on a GPU and not here.
    """
    if execution.precision == "16-mixed" and execution.accelerator == "cpu":
        return "bf16-mixed", "execution.precision: CPUs have no float16 arithmetic, bf16-mixed is used"
    return execution.precision, None
