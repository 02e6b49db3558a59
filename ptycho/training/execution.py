"""What execution settings mean on either backend, and the words for what cannot be done."""

from typing import Literal

from ptycho.settings.execution import PyTorchExecutionConfig

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]


def settle_precision(execution: PyTorchExecutionConfig) -> tuple[Precision, str | None]:
    """Give the precision in force, and a sentence where it is not the one that was set."""
    if execution.precision == "16-mixed" and execution.accelerator == "cpu":
        return "bf16-mixed", "execution.precision: CPUs have no float16 arithmetic, bf16-mixed is used"
    return execution.precision, None


def impossible(execution: PyTorchExecutionConfig, reason: str) -> ValueError:
    """Make the error of settings with which no training can run on this machine."""
    return ValueError(
        f"no training can run with these execution settings: {reason}\n"
        f"  given     accelerator = {execution.accelerator!r}, devices = {execution.devices!r}, "
        f"strategy = {execution.strategy!r}, precision = {execution.precision!r}\n"
        "  expected  a device that this machine has and a strategy that it supports\n"
        '  try       execution.accelerator = "cpu", devices = 1, strategy = "auto"'
    )


def refuse_detached(strategy: str, known: str) -> None:
    """Refuse strategies that train in child processes, whose best weights and history stay there.

    Args:
        strategy: `execution.strategy`.
        known: The strategies that stay in this process, in words.

    Raises:
        ValueError: It is one of those.
    """
    if any(kind in strategy for kind in ("spawn", "fork", "notebook")):
        raise ValueError(
            f"execution.strategy = '{strategy}' trains in processes that hand back no history "
            "and no best epoch\n"
            f"  expected  {known}\n"
            '  try       execution.strategy = "ddp"'
        )
