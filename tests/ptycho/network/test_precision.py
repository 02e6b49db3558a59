"""The floating point of a training."""

import pytest

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.network.precision import Precision, settle_precision

COARSER = "execution.precision: CPUs have no float16 arithmetic, bf16-mixed is used"


def test_float16_becomes_bfloat16_on_the_cpu() -> None:
    """CPUs do no float16 arithmetic: bfloat16 stands in, and it is told; a GPU takes what was set."""
    execution = PyTorchExecutionConfig(accelerator="cpu", precision="16-mixed")
    assert settle_precision(execution) == ("bf16-mixed", COARSER)
    execution.accelerator = "cuda"
    assert settle_precision(execution) == ("16-mixed", None)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_other_precisions_are_taken_as_set(precision: Precision) -> None:
    """What a CPU can do it does, and nothing is said."""
    execution = PyTorchExecutionConfig(accelerator="cpu", precision=precision)
    assert settle_precision(execution) == (precision, None)
