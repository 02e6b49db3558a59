"""What the probe does to the object, and the parts that probes are made of."""

from __future__ import annotations

import numpy as np

from ptycho.physics.arrays import Complex, Inexact, Mask, require_probe, require_shape

SMOOTHING_REACH_SIGMAS = 4.0
"""Where the Gaussian smoothing kernel is cut off, on every backend."""


FLAT_PHASE = 1e-3
"""Mean of radius times frequency, in units of the beam's radius, below which a phase counts as flat."""


def exit_waves(
    patches: Complex, probe: Complex, *, disk: Mask | None = None, sigma_px: float = 0.0
) -> Complex:
    """Illuminate every object patch with every probe mode.

    Args:
        patches: Complex transmission, dimensionless, shape (..., N, N).
        probe: Complex amplitude of each incoherent mode, shape (P, N, N).
        disk: Mask of the illuminated field, shape (N, N); None lets everything through.
        sigma_px: Width of the Gaussian smoothing that follows; 0 leaves the waves as they are.

    Returns:
        Waves behind the sample in the probe's unit, shape (..., P, N, N).

    Raises:
        ShapeError: The arrays differ in N, or the probe has no mode axis.

    Source:
        Thibault and Menzel, Nature 494, 68 (2013): mixed states.
    """
    require_shape("patches", patches, ("...", patches.shape[-1], patches.shape[-1]), "square patches")
    require_probe(probe, patches.shape[-1])
    waves = patches[..., None, :, :] * probe
    # The disk cuts before the blur, so that its edge is blurred too; both backends keep this order.
    if disk is not None:
        waves = waves * disk
    return smooth(waves, sigma_px)


def disk_mask(N: int) -> Mask:
    """Pass the disk of radius N/4 around pixel [N/2, N/2] and nothing else, shape (N, N)."""
    axis = np.arange(N) - N // 2
    inside: Mask = axis[:, None] ** 2 + axis[None, :] ** 2 <= (N / 4) ** 2
    return inside


def smooth(waves: Complex, sigma_px: float) -> Complex:
    """Blur the last two axes with a Gaussian that is cut at four sigma, with zeros outside the frame.

    Args:
        waves: Complex images, shape (..., N, N).
        sigma_px: Standard deviation in pixels; 0 returns the waves as they are.
    """
    if sigma_px == 0:
        return waves
    from scipy import ndimage

    # Rounded as scipy.ndimage.gaussian_filter does, and the kernel is whole: near the edge light is lost, as
    # behind a stop, and never made up for.
    reach = int(SMOOTHING_REACH_SIGMAS * sigma_px + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    kernel /= kernel.sum()
    blurred = waves
    for axis in (-2, -1):
        blurred = ndimage.correlate1d(blurred, kernel, axis=axis, mode="constant")
    return blurred.astype(waves.dtype, copy=False)


def probe_intensity(probe: Complex) -> Inexact:
    """Add the intensities of all modes: (P, N, N) -> (N, N)."""
    intensity: Inexact = (probe.real**2 + probe.imag**2).sum(0)
    return intensity


def orthogonal_modes(probe: Complex, count: int, *, energy_fraction: float = 0.05) -> Complex:
    """Extend a probe to a number of mutually orthogonal modes and keep its energy.

    The extra modes are the main mode under low Hermite polynomials (1st order along x, along y, then
    2nd order ...), orthogonalised against all modes before them: the shapes that partial coherence and
    vibration excite first. Modes that the probe already has stay as they are; surplus ones are dropped,
    weakest last, and their energy goes to the rest.

    Args:
        probe: Modes in any unit, main mode first, shape (P, N, N).
        count: Number of modes wanted, at least 1.
        energy_fraction: Share of the energy that the new modes hold together.

    Returns:
        Modes of the same dtype, shape (count, N, N); the sum of |P|² is that of the input.

    Raises:
        ShapeError: The probe has no mode axis.
        ValueError: The count is below 1, or the probe is dark.
    """
    require_probe(probe, probe.shape[-1])
    if count < 1:
        raise ValueError(
            f"a probe of {count} modes was asked for\n"
            "  expected  1 mode or more\n"
            "  try       model.probe_modes = 1"
        )
    energy = float(np.sum(np.abs(probe) ** 2, dtype=np.float64))
    if not energy > 0:
        raise ValueError(
            "the probe is zero everywhere\n"
            "  expected  a probe with some light in it\n"
            "  try       looking at probeGuess of the scan file"
        )
    first_modes = probe[:count].astype(np.complex128)
    extra = _excited_modes(first_modes, count - len(first_modes))
    # Without new modes nothing is handed over.
    kept_share = 1.0 - energy_fraction * bool(len(extra))
    first_modes *= np.sqrt(energy * kept_share / np.sum(np.abs(first_modes) ** 2))
    if len(extra):
        extra *= np.sqrt(energy * energy_fraction / len(extra))
    return np.concatenate([first_modes, extra]).astype(probe.dtype)


def _excited_modes(modes: Complex, count: int) -> Complex:
    """Find unit-energy modes orthogonal to the given ones: the main mode times growing monomials."""
    N = modes.shape[-1]
    basis = [mode.ravel() / np.linalg.norm(mode) for mode in modes if np.any(mode)]
    # In frames, not pixels: high powers of pixels would drown the low ones in rounding.
    axis = (np.arange(N) - N // 2) / N
    excited: list[Complex] = []
    order = 1
    while len(excited) < count:
        for power in range(order + 1):
            shape = axis[None, :] ** (order - power) * axis[:, None] ** power
            fresh = _residue((modes[0] * shape).ravel(), basis)
            if fresh is not None and len(excited) < count:
                basis.append(fresh)
                excited.append(fresh.reshape(N, N))
        order += 1
        if order > N:
            raise ValueError(
                f"a probe of side {N} cannot carry {len(modes) + count} orthogonal modes\n"
                f"  expected  at most {len(modes) + len(excited)}\n"
                "  try       a smaller model.probe_modes"
            )
    return np.array(excited).reshape(-1, N, N)


def _residue(vector: Complex, basis: list[Complex]) -> Complex | None:
    """Remove the basis from a vector and normalise what is left; None when nothing is left."""
    size = np.linalg.norm(vector)
    for _ in range(2):  # Once more, because one pass of Gram-Schmidt leaves rounding behind.
        for other in basis:
            vector = vector - np.vdot(other, vector) * other
    left = np.linalg.norm(vector)
    # Less than a millionth is rounding of the modes before it, no new direction.
    return vector / left if left > 1e-6 * size and left > 0 else None


def converges(probe: Complex) -> bool:
    """Tell whether a beam converges on the sample, and shows its shadow upside down on the detector.

    A ray that crosses the sample at r travels on to the detector pixel k: in a beam that diverges, k points
    where r does; in one that converges, to the other side. The mean of r . k over the beam's light tells them
    apart, for rays are gradients of the phase.

    Args:
        probe: Complex modes, shape (P, N, N).

    Returns:
        False, too, for a beam in its focus, of flat phase.
    """
    axis = np.arange(probe.shape[-1]) - probe.shape[-1] // 2
    frequency = np.fft.fftfreq(probe.shape[-1])
    spectra = np.fft.fft2(probe)
    across = (
        np.fft.ifft2(spectra * frequency) * axis + np.fft.ifft2(spectra * frequency[:, None]) * axis[:, None]
    )
    spread = np.sqrt(np.sum(np.abs(probe * np.hypot(axis, axis[:, None])) ** 2) * np.sum(np.abs(probe) ** 2))
    return float(np.sum(probe.conj() * across).real) < -FLAT_PHASE * float(spread)
