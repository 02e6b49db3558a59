"""A training ends as soon as its loss is no number: nothing that it learns from then on is worth anything."""

from collections.abc import Mapping

from ptyconf.errors import error_text

from .optimisation import Optimisation

LOOK_EVERY = 32
"""Batches between two looks at the loss on a GPU: reading a number there waits for all steps that are queued.

On the CPU every batch is looked at, for there nothing is queued.
"""


class NonFiniteLossError(ArithmeticError, ValueError):
    """The training loss is no longer a number: the settings do not suit the scan."""


def non_finite_loss(
    loss: float,
    terms: Mapping[str, float],
    where: tuple[int, int],
    optimisation: Optimisation,
    precision: str,
) -> NonFiniteLossError:
    """Make the error that says what became of the loss, and what to try.

    Args:
        loss: The loss.
        terms: Its terms by name.
        where: Epoch and batch, from 0.
        optimisation: What was tried.
        precision: The floating point in force.
    """
    cures = []
    if optimisation.gradient_clip_val is None:
        cures.append("execution.gradient_clip_val = 1.0")
    cures.append(f"a smaller execution.learning_rate (now {optimisation.learning_rate:g})")
    if precision != "32-true":
        cures.append(f'execution.precision = "32-true" (now "{precision}")')
    epoch, batch = where
    return NonFiniteLossError(
        error_text(
            f"the training loss is {loss:.4g} in epoch {epoch + 1}, batch {batch + 1}",
            details={"terms": ", ".join(f"{name} = {value:.4g}" for name, value in terms.items())},
            expected="a finite loss",
            hint=", or ".join(cures),
        )
    )
