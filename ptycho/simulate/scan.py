"""Simulated scans with a known object: the demo, the tests and the scores stand on them."""

from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ptycho.errors import ScanError
from ptycho.optics.model import draw_beam
from ptycho.physics.illumination import orthogonal_modes
from ptycho.physics.noise import sample_counts
from ptycho.scan.forward import cut_patches, scan_amplitudes
from ptycho.scan.frame_store import describe_size, free_bytes
from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions
from ptycho.settings.registries import OBJECTS, PROBES
from ptycho.simulate.objects import Contrast, draw_object
from ptycho.simulate.trajectories import Trajectory, draw_positions
from ptyconf.errors import error_text

__all__ = ["Simulation", "simulate"]

Complex = NDArray[np.complexfloating[Any, Any]]
Positions = NDArray[np.float64]

_FRAME_BYTES, _OBJECT_BYTES = 37, 51
"""Memory that a pixel of a frame and of the object takes at the peak, measured at 4,000 frames, 2,070 px."""

MARGIN_PX = 2
"""Object beyond the outermost patches, so that none touches the edge."""


@dataclass(frozen=True)
class Simulation:
    """What to simulate; equal settings give equal scans, bit for bit."""

    N: int = field(default=64, metadata={"help": "side of a frame", "unit": "px"})
    n_frames: int = field(default=900, metadata={"help": "number of frames"})
    object_family: str = field(default="textures", metadata={"help": "kind of object", "choices": OBJECTS})
    probe: str = field(default="zone_plate", metadata={"help": "kind of beam", "choices": PROBES})
    probe_modes: int = field(default=1, metadata={"help": "mutually incoherent modes of the beam"})
    trajectory: Trajectory = field(
        default="raster", metadata={"help": "path of the scan: a jittered raster or a Fermat spiral"}
    )
    step_px: float = field(default=5.0, metadata={"help": "distance of neighbouring positions", "unit": "px"})
    jitter_px: float = field(
        default=1.5,
        metadata={"help": "largest random displacement of a position, along each axis", "unit": "px"},
    )
    integer_positions: bool = field(default=False, metadata={"help": "round positions to whole pixels"})
    nphotons: float = field(default=1e9, metadata={"help": "mean photons of a frame", "unit": "photons"})
    noise: bool = field(default=True, metadata={"help": "draw Poisson counts; else whole expected counts"})
    seed: int = field(default=0, metadata={"help": "seed of positions and photons"})
    object_seed: int = field(default=0, metadata={"help": "seed of the object: another seed, another object"})
    contrast: Contrast = field(default_factory=Contrast)


def simulate(settings: Simulation | None = None) -> RawData:
    """Scan a random object with a known beam and count photons.

    Returns:
        A scan of counts with the truth in ``objectGuess``, the true patches in ``Y`` and the probe in
        sqrt(photons): counts of a frame are on average |far field of objectGuess x probeGuess|².

    Raises:
        ScanError: A setting is out of range or names nothing known.
    """
    chosen = Simulation() if settings is None else settings
    _refuse_impossible(chosen)
    _require_room(
        _FRAME_BYTES * chosen.n_frames * chosen.N**2,
        f"{chosen.n_frames} frames of {chosen.N} x {chosen.N} px",
        "a smaller n_frames or N",
    )
    rng = np.random.default_rng(chosen.seed)
    positions = draw_positions(chosen.trajectory, chosen.n_frames, chosen.step_px, chosen.jitter_px, rng)
    positions += chosen.N // 2 + MARGIN_PX - positions.min(axis=0)
    if chosen.integer_positions:
        positions = np.rint(positions)
    width, height = (
        int(last) + chosen.N - chosen.N // 2 + MARGIN_PX for last in np.ceil(positions.max(axis=0))
    )
    _require_room(
        _OBJECT_BYTES * height * width, f"an object of {width} x {height} px", "a smaller step_px or n_frames"
    )
    truth = draw_object(
        chosen.object_family, (height, width), np.random.default_rng(chosen.object_seed), chosen.contrast
    )
    modes = orthogonal_modes(draw_beam(chosen.probe, chosen.N)[np.newaxis], chosen.probe_modes)
    patches = cut_patches(truth, positions, chosen.N)
    probe, counts = _count_photons(patches, modes, chosen, rng)
    return RawData(
        positions[:, 0],
        positions[:, 1],
        None,
        None,
        counts,
        probe.astype(np.complex64) if len(probe) > 1 else probe[0].astype(np.complex64),
        None,
        truth,
        patches,
        metadata=_metadata(chosen),
        options=ScanOptions(quantity="counts", centre="middle", position_origin="centre"),
    )


def _require_room(needed: int, what: str, hint: str) -> None:
    """Refuse what does not fit into the memory that is free, before any of it is taken."""
    free = free_bytes()
    if needed > free:
        raise ScanError(
            error_text(
                f"{what} cannot be simulated: that takes {describe_size(needed)} of memory",
                expected=f"no more than the {describe_size(free)} that are free",
                hint=hint,
            )
        )


def _count_photons(
    patches: Complex, modes: Complex, settings: Simulation, rng: np.random.Generator
) -> tuple[Complex, NDArray[np.unsignedinteger[Any]]]:
    """Scale the probe so that frames hold nphotons on average, then count."""
    amplitudes = scan_amplitudes(patches, modes).astype(np.float64)
    scale = np.sqrt(settings.nphotons / np.mean(np.sum(amplitudes**2, axis=(1, 2))))
    expected = (scale * amplitudes) ** 2
    counts = sample_counts(expected, rng) if settings.noise else np.rint(expected)
    narrow = np.uint16 if counts.max() < 2**16 else np.uint32
    return modes * scale, counts.astype(narrow)


def _metadata(settings: Simulation) -> dict[str, Any]:
    return {
        "schema_version": "1.0.0",
        "creation_info": {"script": "ptycho.simulate.scan"},
        "physics_parameters": {"nphotons": settings.nphotons, "N": settings.N},
        "additional_parameters": {
            name: getattr(settings, name)
            for name in (
                "object_family",
                "probe",
                "trajectory",
                "step_px",
                "jitter_px",
                "seed",
                "object_seed",
            )
        },
    }


def _refuse_impossible(settings: Simulation) -> None:
    limits = {
        "N": (settings.N >= 8 and settings.N % 2 == 0, "an even number of at least 8"),
        "n_frames": (settings.n_frames >= 1, "at least 1"),
        "probe_modes": (settings.probe_modes >= 1, "at least 1"),
        "step_px": (0 < settings.step_px < 2**31, "more than 0 and less than 2^31"),
        "jitter_px": (settings.jitter_px >= 0, "0 or more"),
        "nphotons": (0 < settings.nphotons < 2**32, "more than 0 and less than 2^32, what a pixel can count"),
        "trajectory": (settings.trajectory in get_args(Trajectory), "raster or spiral"),
    }
    for name, (possible, expected) in limits.items():
        if not possible:
            raise ScanError(
                error_text(f"{name} = {getattr(settings, name)} cannot be simulated", expected=expected)
            )
