"""What numpy says about a case: forward model, losses and their slopes in the object, written out by hand.

A slope is dL/dRe + i dL/dIm. Shape legend: B groups, C positions of a group, P probe modes, N patch side.
"""

from collections.abc import Callable

import numpy as np
from cases import GAIN, SCALE, Case, arrays_of

from ptycho.physics.fourier import back_propagate, far_field_amplitude, propagate
from ptycho.physics.illumination import disk_mask, exit_waves, probe_intensity
from ptycho.physics.noise import poisson_nll, poisson_slope
from ptycho.physics.stitch import extract_group, merge_group

Arrays = dict[str, np.ndarray]


class Reference:
    """A case in double precision.

    Args:
        case: What is computed.
    """

    def __init__(self, case: Case) -> None:
        arrays = {name: _doubled(array) for name, array in arrays_of(case).items()}
        self.X, self.patches, self.labels = (arrays[name] for name in ("X", "patches", "labels"))
        self.relative, self.probe, self.good = (arrays[name] for name in ("relative", "probe", "mask"))
        self.merging = case.settings["object_big"]
        self.disk = disk_mask(self.X.shape[-1]) if case.settings["probe_mask"] else None
        self.weights = probe_intensity(self.probe)

    def merge(self, patches: np.ndarray) -> np.ndarray:
        """Let the patches of each group agree, where the case wants that."""
        if not self.merging:
            return patches
        pairs = zip(patches, self.relative, strict=True)
        n = patches.shape[-1]
        return np.stack([extract_group(merge_group(one, at, self.weights), at, n) for one, at in pairs])

    def merge_back(self, slopes: np.ndarray) -> np.ndarray:
        """Carry slopes from merged to given patches: the adjoint of `merge`."""
        if not self.merging:
            return slopes
        ones = np.ones(slopes.shape[1:])
        found = []
        for slope, at in zip(slopes, self.relative, strict=True):
            placed = merge_group(slope, at, ones) * merge_total(ones, at)  # The sum, not the mean.
            total = merge_total(np.broadcast_to(self.weights, ones.shape), at)
            mean = np.divide(placed, total, out=np.zeros_like(placed), where=total > 0)
            found.append(self.weights * extract_group(mean, at, slopes.shape[-1]))
        return np.stack(found)

    def amplitude(self, patches: np.ndarray) -> np.ndarray:
        """Predict amplitudes of patches that agree already, gain included."""
        return np.exp(GAIN) * far_field_amplitude(patches, self.probe, disk=self.disk)

    def amplitude_back(self, patches: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Carry a slope in the amplitudes back to the patches."""
        fields = propagate(exit_waves(patches, self.probe, disk=self.disk))
        length = np.sqrt((fields.real**2 + fields.imag**2).sum(axis=-3, keepdims=True))
        waves = back_propagate(np.exp(GAIN) * slope[..., None, :, :] * fields / length)
        if self.disk is not None:
            waves = waves * self.disk
        return (waves * self.probe.conj()).sum(axis=-3)

    def loss(self, name: str) -> tuple[float, np.ndarray]:
        """Give a loss of the given patches, and its slope in them."""
        merged = self.merge(self.patches)
        value, slope = LOSSES[name](self, merged)
        return value, self.merge_back(slope)

    def nll(self, merged: np.ndarray) -> tuple[float, np.ndarray]:
        """Poisson likelihood of the counts."""
        amplitude = self.amplitude(merged)
        rate, counts = (SCALE * amplitude) ** 2, (SCALE * np.where(self.good, self.X, 0)) ** 2
        slope = poisson_slope(rate, counts, mask=self.good) * 2 * SCALE**2 * amplitude
        return poisson_nll(rate, counts, mask=self.good), self.amplitude_back(merged, slope)

    def mae(self, merged: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean absolute error of the amplitudes."""
        error = np.where(self.good, self.amplitude(merged) - self.X, 0)
        count = np.count_nonzero(np.broadcast_to(self.good, error.shape))
        return float(np.abs(error).sum() / count), self.amplitude_back(merged, np.sign(error) / count)

    def tv(self, merged: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean absolute step between neighbours, of real and imaginary part."""
        total, slope = 0.0, np.zeros_like(merged)
        for unit, part in ((1, merged.real), (1j, merged.imag)):
            for axis in (-2, -1):
                step = np.diff(part, axis=axis)
                total += float(np.abs(step).mean())
                pull = np.sign(step) / step.size
                edge = [(0, 0)] * merged.ndim
                before, after = list(edge), list(edge)
                before[axis], after[axis] = (1, 0), (0, 1)
                slope += unit * (np.pad(pull, before) - np.pad(pull, after))
        return total, slope

    def supervision(self, merged: np.ndarray) -> tuple[float, np.ndarray]:
        """Error of amplitude and of wrapped phase against labels."""
        excess = np.abs(merged) - np.abs(self.labels)
        turned = np.angle(merged * self.labels.conj())
        pull = np.sign(excess) * merged / np.abs(merged) + np.sign(turned) * 1j * merged / np.abs(merged) ** 2
        return float(np.abs(excess).mean() + np.abs(turned).mean()), pull / merged.size


LOSSES: dict[str, Callable[[Reference, np.ndarray], tuple[float, np.ndarray]]] = {
    "nll": Reference.nll,
    "mae": Reference.mae,
    "tv": Reference.tv,
    "labels": Reference.supervision,
}


def merge_total(weights: np.ndarray, relative: np.ndarray) -> np.ndarray:
    """Add the weights of a group on its canvas: what `merge_group` divides by."""
    from ptycho.physics.stitch import canvas_side
    from ptycho.physics.translate import translate

    margin = (canvas_side(relative, weights.shape[-1]) - weights.shape[-1]) // 2
    edge = ((0, 0), (margin, margin), (margin, margin))
    return translate(np.pad(weights, edge), -relative).sum(axis=0)


def _doubled(array: np.ndarray) -> np.ndarray:
    if array.dtype == bool:
        return array
    return array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
