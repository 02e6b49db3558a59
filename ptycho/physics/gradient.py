"""The slope of the likelihood in object and probe, by hand: the judge of automatic differentiation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptycho.physics.arrays import Complex, Mask, require_shape
from ptycho.physics.fourier import back_propagate, propagate
from ptycho.physics.illumination import exit_waves
from ptycho.physics.noise import poisson_nll, poisson_slope

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Slope:
    """A misfit and its gradient, dL/dRe + i dL/dIm: the direction of steepest ascent, as torch has it.

    Attributes:
        misfit: Poisson misfit of the batch.
        patches: Gradient in the object patches, shape (B, N, N).
        probe: Gradient in the probe modes, shape (P, N, N).
    """

    misfit: float
    patches: Complex
    probe: Complex


def likelihood_slope(
    patches: Complex,
    probe: Complex,
    counts: NDArray[Any],
    *,
    intensity_scale: float = 1.0,
    mask: Mask | None = None,
) -> Slope:
    """Differentiate the Poisson misfit of a batch with respect to every patch and every probe mode.

    Args:
        patches: Complex transmission, shape (B, N, N).
        probe: Modes in normalised amplitude, shape (P, N, N).
        counts: Measured counts, shape (B, N, N).
        intensity_scale: s of rate = (s A)².
        mask: True at good pixels, broadcast against the counts.

    Raises:
        ShapeError: The shapes do not belong together.

    Source:
        Thibault and Guizar-Sicairos, New J. Phys. 14, 063004 (2012), section 3: maximum likelihood.
    """
    N = patches.shape[-1]
    require_shape("patches", patches, ("B", N, N), "patches[None] for a single one")
    require_shape("counts", counts, patches.shape, "one frame for each patch")
    fields = propagate(exit_waves(patches, probe))
    rate = intensity_scale**2 * (fields.real**2 + fields.imag**2).sum(axis=1)
    pull = intensity_scale**2 * poisson_slope(rate, counts, mask=mask)
    # The gradient of |F|² is 2 F, and the adjoint of the unitary transform is its inverse.
    waves = 2.0 * back_propagate(pull[:, None] * fields)
    return Slope(
        misfit=poisson_nll(rate, counts, mask=mask),
        patches=(waves * probe.conj()).sum(axis=1),
        probe=(waves * patches[:, None].conj()).sum(axis=0),
    )
