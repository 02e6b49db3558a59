"""One place where measured numbers become normalised ones, and the way back.

The network sees X = amplitude_factor * amplitude, whose frames have a mean energy of (N/2)²; counts are
(intensity_scale * X)²; its probe is probe_factor times the probe of the file.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.arrays import Complex, Real, require_probe

Quantity = Literal["counts", "amplitude"]

KEPT_RATIO = (1.0, 4.0)
"""Energy ratios at which the file's own probe scale is believed: object amplitudes of 1 down to 1/2."""

DEFAULT_RATIO = 2.0
"""Energy ratio given to a probe of unknown scale: a mean object amplitude of about 0.7."""


@dataclass(frozen=True)
class Normalisation:
    """The scales of one scan, measured once and stored with the model.

    Attributes:
        amplitude_factor: X / measured amplitude.
        intensity_scale: s of counts = (s X)², in sqrt(counts).
        probe_factor: Network probe / file probe.
        nphotons: Mean photons of a frame.
        mean_square: Mean over the frames of the summed squared amplitude, in the file's unit squared.
        energy_ratio: Energy of the network probe / mean energy of X: above 1, or no object amplitude up
            to 1 explains the data.
        probe_scale_kept: Whether the file's own probe scale was believed.
        nphotons_setting: What the settings said, None if nothing.
        quantity: What the file holds, "counts" or "amplitude".
    """

    amplitude_factor: float
    intensity_scale: float
    probe_factor: float
    nphotons: float
    mean_square: float
    energy_ratio: float
    probe_scale_kept: bool = False
    nphotons_setting: float | None = None
    quantity: Quantity = "counts"

    def amplitudes(self, measured: Real) -> Real:
        """Normalise measured amplitudes to X."""
        return np.asarray(measured * self.amplitude_factor)

    def counts(self, X: Real) -> Real:
        """Turn normalised amplitudes into photon counts."""
        return np.asarray(np.square(X * self.intensity_scale))

    def probe(self, file_probe: Complex) -> Complex:
        """Scale the probe of the file, and only that one, for the network; keeps its dtype."""
        return (file_probe * self.probe_factor).astype(file_probe.dtype, copy=False)

    def as_dict(self) -> dict[str, Any]:
        """Give plain numbers and text, as JSON keeps them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Normalisation:
        """Rebuild what :meth:`as_dict` gave.

        Raises:
            ValueError: A value is missing, unknown, or of another kind.
        """
        known = [item.name for item in fields(cls)]
        missing = [name for name in known[:6] if name not in values]
        unknown = sorted(set(values) - set(known))
        if missing or unknown:
            wrong = [f"lacks {name}" for name in missing] + [f"has the unknown {name}" for name in unknown]
            raise ValueError(
                f"the stored normalisation {' and '.join(wrong)}\n"
                f"  expected  {', '.join(known)}\n"
                "  try       the scaling.json that training wrote"
            )
        for name in known[:6]:
            _require_stored(name, values[name], "a positive number", _is_positive(values[name]))
        made = cls(**values)
        setting, scale_kept, quantity = made.nphotons_setting, made.probe_scale_kept, made.quantity
        _require_stored(
            "nphotons_setting", setting, "a positive number", setting is None or _is_positive(setting)
        )
        _require_stored("probe_scale_kept", scale_kept, "true or false", isinstance(scale_kept, bool))
        _require_stored("quantity", quantity, "counts or amplitude", quantity in get_args(Quantity))
        return made

    def notes(self) -> list[str]:
        """Say in sentences which scale is in force, why, and what was not obeyed."""
        counted = self.quantity == "counts"
        source = "measured" if counted else "training.nphotons: amplitudes do not tell the dose"
        lines = [
            f"{self.nphotons:.4g} photons a frame ({source}), intensity scale {self.intensity_scale:.6g}"
        ]
        setting = self.nphotons_setting
        if (
            self.quantity == "counts"
            and setting is not None
            and not math.isclose(setting, self.nphotons, rel_tol=0.01)
        ):
            lines.append(
                f"the setting of {setting:.4g} photons is not obeyed: "
                "the file holds counts, and they measure the dose"
            )
        scale = "its scale is kept" if self.probe_scale_kept else "the probe was rescaled"
        lines.append(f"probe energy is {self.energy_ratio:.3g} times the mean frame energy: {scale}")
        return lines


def measure(
    mean_square: float, N: int, quantity: Quantity, nphotons: float | None, probe_modes: Complex
) -> Normalisation:
    """Find the scales of a scan from its mean frame energy, its photons and its probe.

    Args:
        mean_square: Mean over the frames of the summed squared amplitude (counts: mean photons).
        N: Side of a frame in pixels.
        quantity: What the file holds. Counts measure the photons themselves; amplitudes need nphotons.
        nphotons: Mean photons of a frame from the settings; reported, not obeyed, for counts.
        probe_modes: Probe of the file, shape (P, N, N).

    Returns:
        The scales. The file's probe scale is kept when the probe, divided by the intensity scale, has 1
        to 4 times the energy of X; else the probe gets twice that energy.

    Raises:
        ShapeError: The probe is not a stack of N x N modes.
        ValueError: No light in the frames or in the probe, or no photons given for amplitudes.
    """
    require_probe(probe_modes, N)
    _require_positive("mean energy of the frames", mean_square, "looking at the frames: are they all zero?")
    # Counts are squared amplitudes: their sum over a frame is the dose, with nothing to set.
    photons = mean_square
    if quantity == "amplitude":
        wanted = "training.nphotons = 1e9: the amplitudes of a file do not tell the dose"
        _require_positive("number of photons in a frame", nphotons, wanted)
        photons = float(nphotons or 0.0)
    energy = (N / 2) ** 2
    intensity_scale = math.sqrt(photons / energy)
    probe_energy = float(np.sum(np.abs(probe_modes) ** 2, dtype=np.float64))
    _require_positive("energy of the probe", probe_energy, "looking at probeGuess of the scan file")
    # Above 1 where the sample absorbs: the frames hold less light than the beam.
    ratio = probe_energy / intensity_scale**2 / energy
    scale_kept = KEPT_RATIO[0] <= ratio <= KEPT_RATIO[1]
    energy_ratio = ratio if scale_kept else DEFAULT_RATIO
    return Normalisation(
        amplitude_factor=math.sqrt(energy / mean_square),
        intensity_scale=intensity_scale,
        probe_factor=math.sqrt(energy_ratio * energy / probe_energy),
        nphotons=photons,
        mean_square=float(mean_square),
        energy_ratio=energy_ratio,
        probe_scale_kept=scale_kept,
        nphotons_setting=nphotons,
        quantity=quantity,
    )


def mean_square_of(amplitudes: NDArray[Any]) -> float:
    """Average the summed squared amplitude of frames (n, N, N), added up in double precision."""
    total = sum(float(np.sum(np.square(frame, dtype=np.float64))) for frame in amplitudes)
    return total / len(amplitudes)


def _require_stored(name: str, value: object, expected: str, fits: bool) -> None:
    if not fits:
        raise ValueError(
            f"the stored normalisation has {name} = {value!r}\n"
            f"  expected  {expected}\n"
            "  try       the scaling.json that training wrote"
        )


def _is_positive(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and value > 0


def _require_positive(name: str, value: float | None, remedy: str) -> None:
    if not _is_positive(value):
        raise ValueError(f"the {name} is {value}\n  expected  a positive number\n  try       {remedy}")
