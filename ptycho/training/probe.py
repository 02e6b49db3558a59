"""The probe that a training starts with, on the network's scale, and the scales of its scan."""

import logging
import math
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.illumination import orthogonal_modes
from ptycho.physics.scale import KEPT_RATIO, Normalisation, measure
from ptycho.reconstruction.iteration import Measurement, SweepLibrary
from ptycho.reconstruction.probe_retrieval import Retrieval, retrieve_probe
from ptycho.scan.raw_data import RawData
from ptycho.settings.training import TrainingConfig
from ptyconf import Resolution
from ptyconf.errors import error_text

logger = logging.getLogger(__name__)

Probe = NDArray[np.complex64]


def probe_modes_of(scan: RawData, modes: int) -> tuple[Probe, list[str]]:
    """Give the scan's probe as many modes as the model has, on the file's scale.

    Args:
        scan: Has a probe.
        modes: Incoherent modes of the model.

    Returns:
        Modes, shape (modes, N, N), and what was decided.

    Raises:
        ValueError: The scan has no probe.
    """
    given = scan.probe_modes
    if given is None:
        raise ValueError(
            error_text(
                f"{scan.source or 'the scan'} has no probe",
                expected="probeGuess, complex, of shape (N, N) or (P, N, N)",
                hint='data.probe = "file:key", a probe in a file of its own; an estimate will do',
            )
        )
    probe = np.asarray(given, np.complex64)
    if len(probe) > modes:
        return probe[:modes], [f"the first {modes} of the file's {len(probe)} probe modes are used"]
    if len(probe) < modes:
        more = orthogonal_modes(probe, modes).astype(np.complex64)
        return more, [f"{modes - len(probe)} weak orthogonal probe modes join the file's {len(probe)}"]
    return probe, []


def scale_probe(
    scan: RawData, training: TrainingConfig, resolution: Resolution
) -> tuple[Probe, Normalisation, list[str]]:
    """Measure the scales of a scan, and bring its probe to the network's.

    Returns:
        Modes on the network's scale, shape (P, N, N), the scales, and what was decided.

    Raises:
        ValueError: The scan has no probe, or two settings contradict each other.
    """
    probe, notes = probe_modes_of(scan, training.model.probe_modes)
    dose = dose_of(scan, training, resolution)
    normalisation = measure(scan.mean_square(), scan.N, scan.quantity, dose, probe)
    # Only where somebody set it: dividing by the default of 4 would leave a probe that no object amplitude up
    # to 1 explains the frames with.
    if is_explicit(resolution, "model.probe_scale"):
        normalisation = divide_probe(normalisation, training.model.probe_scale)
    warn_of_probe_energy(normalisation)
    return normalisation.probe(probe), normalisation, [*notes, *normalisation.notes()]


def dose_of(scan: RawData, training: TrainingConfig, resolution: Resolution) -> float | None:
    """Give the photons of a frame that the settings ask for: as such, or by the intensity scale.

    Counts measure the dose themselves; only a dose that a user gave is worth a word when it differs.

    Raises:
        ValueError: Both are set, and they contradict each other.
    """
    nphotons = training.nphotons
    given = is_explicit(resolution, "training.nphotons")
    if not is_explicit(resolution, "model.intensity_scale"):
        return nphotons if given or scan.quantity == "amplitude" else None
    scale = float(resolution["model.intensity_scale"])
    by_scale = (scale * scan.N / 2) ** 2
    by_user = given and resolution.winner_layer("training.nphotons") != "data-file"
    if scan.quantity == "counts":
        return nphotons if by_user else by_scale
    # One percent: intensity scales are written with as many digits as a report shows.
    if by_user and not math.isclose(by_scale, nphotons, rel_tol=0.01):
        fitting = math.sqrt(nphotons) / (scan.N / 2)
        raise ValueError(
            error_text(
                f"model.intensity_scale = {scale:g} means {by_scale:.4g} photons a frame, and "
                f"training.nphotons is {nphotons:.4g}",
                expected="one of the two, or two that agree",
                hint=f"model.intensity_scale left out, or {fitting:.6g}",
            )
        )
    return by_scale


def is_explicit(resolution: Resolution, path: str) -> bool:
    """Tell whether a user gave this setting, or a default, a recipe or the scan did."""
    layer = str(resolution.winner_layer(path))
    return not layer.endswith("-defaults") and layer not in {"recipe", "data-file"}


def divide_probe(normalisation: Normalisation, divisor: float) -> Normalisation:
    """Make the network's probe weaker by a factor in amplitude, as `model.probe_scale` asks."""
    return replace(
        normalisation,
        probe_factor=normalisation.probe_factor / divisor,
        energy_ratio=normalisation.energy_ratio / divisor**2,
        probe_scale_kept=False,
    )


def warn_of_probe_energy(normalisation: Normalisation) -> None:
    """Warn of a probe with which no bounded object explains the data: the image would turn constant."""
    low, high = KEPT_RATIO
    if not low <= normalisation.energy_ratio <= high:
        logger.warning(
            "the probe has %.3g times the energy of a mean frame, where %g to %g lets an object amplitude "
            "between 0 and 1 explain the data: the image may turn constant (model.probe_scale)",
            normalisation.energy_ratio,
            low,
            high,
        )


def retrieve_from_training_frames(
    probe: Probe,
    frames: Measurement,
    training: TrainingConfig,
    library: SweepLibrary,
) -> tuple[Retrieval, str]:
    """Retrieve the probe before the network relies on it, without a look at the frames that judge.

    Args:
        probe: Modes to start from on the network's scale, shape (P, N, N).
        frames: The training frames of its scan.
        training: Says how many sweeps, and from which seed.
        library: Computes.

    Returns:
        The modes with the picture that was found beside them, and what came of it.
    """
    logger.info("retrieving the probe in %d sweeps", training.probe_warmup_epochs)
    began = time.perf_counter()
    retrieved = retrieve_probe(
        library, frames, probe, sweeps=training.probe_warmup_epochs, seed=training.seed
    )
    misfits = retrieved.misfits
    return retrieved, (
        f"the probe was retrieved from {len(frames)} training frames in {len(misfits)} sweeps "
        f"({time.perf_counter() - began:.1f} s): misfit {misfits[0]:.3g} to {misfits[-1]:.3g}"
    )
