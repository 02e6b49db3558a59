"""Which devices and strategies no training can use, said in the same words by both backends."""

from ptycho.settings.execution import PyTorchExecutionConfig
from ptyconf.errors import error_text


def unusable_device(execution: PyTorchExecutionConfig, reason: str) -> ValueError:
    """Make the error of settings with which no training can run on this machine."""
    given = ", ".join(
        f"{name} = {getattr(execution, name)!r}"
        for name in ("accelerator", "devices", "strategy", "precision")
    )
    return ValueError(
        error_text(
            f"no training can run with these execution settings: {reason}",
            details={"given": given},
            expected="a device that this machine has and a strategy that it supports",
            hint='execution.accelerator = "cpu", devices = 1, strategy = "auto"',
        )
    )


def require_in_process(strategy: str, known: str) -> None:
    """Accept strategies that train in this process: the best weights and the history of others stay there.

    Args:
        strategy: `execution.strategy`.
        known: The strategies that stay in this process, in words.

    Raises:
        ValueError: It starts child processes and hands nothing back.
    """
    if any(kind in strategy for kind in ("spawn", "fork", "notebook")):
        raise ValueError(
            error_text(
                f"execution.strategy = '{strategy}' trains in processes that hand back no history "
                "and no best epoch",
                expected=known,
                hint='execution.strategy = "ddp"',
            )
        )
