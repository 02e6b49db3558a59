"""The probe that settings describe by name and numbers, on the pixels of a scan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ptycho.errors import ScanError
from ptycho.optics.kind import Sampling
from ptycho.optics.model import model_beam
from ptycho.scan.source import source_name
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.geometry import Geometry
    from ptycho.scan.validate import ScanArrays

__all__ = ["with_model"]


def with_model(given: ScanArrays, geometry: Geometry, side_px: int) -> tuple[ScanArrays, list[str]]:
    """Let the probe of `data.probe_model`, where there is one, stand in the place of the file's.

    Args:
        given: The scan.
        geometry: What is known of the experiment.
        side_px: Side of its frames before crop and binning.

    Returns:
        The scan, and what was done, one sentence each.

    Raises:
        ScanError: The size of a pixel at the sample is not known, or no such beam fits on the pixels.
    """
    model = given.options.probe_model
    if model.kind is None:
        return given, []
    pixel_m = geometry.object_pixel_m(side_px)
    if pixel_m is None:
        missing = geometry.missing()
        raise ScanError(
            error_text(
                "the model of the probe is in metres, and nothing says how large the pixels of "
                f"{source_name(given.source.path)} are",
                expected=" and ".join(missing),
                hint=f"{missing[0]} = ...; data.energy_kev will do in place of the wavelength",
            )
        )
    wavelength = geometry.wavelength_m
    sampling = Sampling(side_px, pixel_m, None if wavelength is None else wavelength.value)
    beam = model_beam(model, sampling).astype(np.complex64)
    instead = "" if given.probe is None else ", in place of the file's"
    return replace(given, probe=beam), [f"the probe is the model of {model}{instead}"]
