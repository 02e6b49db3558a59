"""Beams by name: a usual one, or the one that numbers describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.errors import ScanError
from ptycho.optics.waves import radius_px
from ptycho.settings.registries import PROBES
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.optics.kind import Field, ProbeKind, Sampling
    from ptycho.settings.probe_model import ProbeModel

__all__ = ["draw_beam", "model_beam"]

RIM = 0.48
"""Radius, as a share of N, beyond which there is hardly anything of a beam that N pixels can show."""

RIM_ENERGY = 0.12
"""Share of the energy beyond, from which a beam does not fit: one that is spread evenly has .28 there."""


def draw_beam(name: str, N: int) -> Field:
    """Make a usual probe of unit energy on N x N pixels, centred on pixel [N/2, N/2].

    Args:
        name: A name in ``ptycho.settings.registries.PROBES``.
        N: Side in pixels.

    Returns:
        Complex amplitude of shape (N, N).

    Raises:
        ScanError: There is no such probe.
    """
    kind: ProbeKind | None = PROBES.get(name)
    if kind is None:
        raise ScanError(
            error_text(f'there is no probe "{name}"', known=", ".join(PROBES), hint='probe = "zone_plate"')
        )
    return _of_unit_energy(kind.draw(N))


def model_beam(model: ProbeModel, sampling: Sampling) -> Field:
    """Make the probe of unit energy that a model's name and numbers describe.

    Args:
        model: Name and numbers.
        sampling: The pixels, and the wavelength.

    Returns:
        Complex amplitude of shape (N, N), centred on pixel [N/2, N/2].

    Raises:
        ScanError: The model lacks a number, has one that its optic does not know, or such a beam does not
            fit on the pixels.
    """
    name = str(model.kind)
    kind: ProbeKind | None = PROBES.get(name)
    complaint = model.complaint()
    if complaint is not None or kind is None or kind.build is None:
        text = f"data.probe_model.kind = {name!r}" if complaint is None else complaint.text
        hint = None if complaint is None else complaint.hint
        raise ScanError(error_text(text, expected="a model of the probe by name and numbers", hint=hint))
    beam = kind.build(sampling, model.numbers())
    if not np.isfinite(beam).all() or not beam.any():
        raise ScanError(_does_not_fit(model, sampling, "is nothing that these pixels show", "other numbers"))
    beam = _of_unit_energy(beam)
    width = sampling.N * sampling.pixel_m
    if _beyond_rim(beam) > RIM_ENERGY:
        what = f"is wider than the {width:.3g} m that frames of {sampling.N} px see"
        raise ScanError(_does_not_fit(model, sampling, what, "a smaller defocus, distance or diameter"))
    if _beyond_rim(np.fft.fftshift(np.fft.fft2(beam))) > RIM_ENERGY:
        what = f"opens wider than the detector, which sees details of {2 * sampling.pixel_m:.3g} m and more"
        raise ScanError(_does_not_fit(model, sampling, what, "a wider outer zone or beam, a smaller angle"))
    return beam


def _does_not_fit(model: ProbeModel, sampling: Sampling, what: str, hint: str) -> str:
    return error_text(
        f"the beam of {model} {what}",
        expected=f"a beam on {sampling.N} pixels of {sampling.pixel_m:.4g} m",
        hint=f"{hint}; or data.distance_m, pixel_size_m, energy_kev, if the pixels are not that large",
    )


def _of_unit_energy(beam: Field) -> Field:
    field = np.asarray(beam, dtype=np.complex128)
    normalised: Field = field / np.linalg.norm(field)
    return normalised


def _beyond_rim(field: Field) -> float:
    N = field.shape[-1]
    energy = np.abs(field) ** 2
    return float(energy[radius_px(N) > RIM * N].sum() / energy.sum())
