"""A trained network as clients hold it: numpy in, numpy out, whichever backend computes.

Shape legend: B groups, C positions of a group, N patch side, P probe modes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.network.settings import NetworkSettings
from ptycho.physics.scale import Normalisation
from ptycho.physics.stitch import merge_group
from ptycho.physics.synchronise import synchronise_phases
from ptycho.reconstruction.groups import groups_at_once, of_equal_reach
from ptycho.scan.grouping import require_overlap
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from ptycho.backends.base import Backend
    from ptycho.bundle.archive import Bundle

__all__ = ["Predictor", "last", "remember"]

_log = logging.getLogger(__name__)

BELIEVED_ENERGY = (0.01, 100.0)
"""Mean energy of X, in units of (N/2)², outside of which a scale was forgotten or applied twice."""


class Predictor:
    """Predict object patches with a trained network.

    Args:
        name: The backend that computes.
        backend: The backend itself.
        model: The network as the backend knows it.
        pack: Makes the bundle that lies in a folder.

    Attributes:
        backend: Name of the backend.
        settings: Shape of the network: N, gridsize, architecture and so on.
        normalisation: Scales of the scan that it was trained on.
        probe: Probe modes on the network's scale, shape (P, N, N), complex64.
    """

    def __init__(self, name: str, backend: Backend, model: Any, pack: Callable[[Path], Bundle]) -> None:
        from pathlib import Path

        bundle = pack(Path.cwd())
        self.backend = name
        self.settings = NetworkSettings(**bundle.network)
        self.normalisation = Normalisation.from_dict(bundle.normalisation)
        self.probe = bundle.probe
        self._backend = backend
        self._model = model
        self._pack = pack

    def __repr__(self) -> str:
        shape = f"{self.settings.architecture}, N = {self.settings.N}, gridsize = {self.settings.gridsize}"
        return f"{type(self).__name__}({shape}, {self.backend})"

    @property
    def intensity_scale(self) -> float:
        """Square root of counts for each unit of X."""
        return self.normalisation.intensity_scale

    def pack(self, home: Path) -> Bundle:
        """Make the bundle that lies in a folder."""
        return self._pack(home)

    def predict(self, inputs: Sequence[ArrayLike], batch_size: int | None = None) -> NDArray[np.complex64]:
        """Infer the patch of the object around the mean position of every group.

        Args:
            inputs: ``[X * intensity_scale, local_offsets]``: normalised amplitude times the scale, shape
                (B, N, N, C), and group mean minus position [x, y] in pixels, shape (B, 1, 2, C).
            batch_size: Groups computed at once; None takes as many as a CPU does best.

        Returns:
            Complex transmission, shape (B, N, N, 1): for a group of one position its patch, for larger
            groups the middle of the picture that its patches make together.

        Raises:
            ValueError: The arrays do not fit the network or each other, X is not finite, or the patches of
                most groups do not overlap.
        """
        X, relative = self._accept(inputs)
        middles = np.empty((len(X), self.settings.N, self.settings.N), np.complex64)
        step = max(1, batch_size or groups_at_once(self.settings.N))
        for alike in of_equal_reach(relative):
            for start in range(0, len(alike), step):
                rows = alike[start : start + step]
                patches = self._backend.infer_patches(self._model, X[rows], relative[rows])
                middles[rows] = self._middles(patches, relative[rows])
        return middles[..., np.newaxis]

    def _accept(self, inputs: Sequence[ArrayLike]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if len(inputs) != 2:
            raise ValueError(
                error_text(
                    f"predict got {len(inputs)} arrays",
                    expected="[X * intensity_scale, local_offsets]",
                    hint="model.predict([container.X * intensity_scale, container.local_offsets])",
                )
            )
        scaled, offsets = np.asarray(inputs[0]), np.asarray(inputs[1])
        N, C = self.settings.N, self.settings.positions
        if scaled.ndim != 4 or scaled.shape[1:] != (N, N, C):
            raise ValueError(_shape_error("X", scaled.shape, f"(groups, {N}, {N}, {C})", self.settings))
        if offsets.shape != (len(scaled), 1, 2, C):
            raise ValueError(
                _shape_error("local_offsets", offsets.shape, f"({len(scaled)}, 1, 2, {C})", self.settings)
            )
        if not np.isfinite(offsets).all():
            raise ValueError(
                error_text(
                    "local_offsets hold values that are NaN or infinite",
                    expected="group mean minus position, in pixels",
                    hint="the local_offsets of the container that X came from",
                )
            )
        relative = np.moveaxis(offsets[:, 0], 1, 2).astype(np.float32)
        members = np.arange(relative.shape[0] * C).reshape(-1, C)
        require_overlap(-relative.reshape(-1, 2).astype(np.float64), members, N)
        X = (np.moveaxis(scaled, -1, 1) / self.intensity_scale).astype(np.float32)
        self._check_energy(X)
        return X, relative

    def _check_energy(self, X: NDArray[np.float32]) -> None:
        """Refuse frames that are no numbers, and warn of an energy that no measurement explains."""
        bad = np.flatnonzero(~np.isfinite(X).all(axis=(1, 2, 3)))
        if len(bad):
            raise ValueError(
                error_text(
                    f"X of group {bad[0]} holds values that are NaN or infinite",
                    expected="finite normalised amplitudes",
                    hint="leaving out bad frames before they are grouped",
                )
            )
        energy = float(np.square(X, dtype=np.float64).sum()) / max(1, X[..., 0, 0].size)
        ratio = energy / (self.settings.N / 2) ** 2
        if not BELIEVED_ENERGY[0] <= ratio <= BELIEVED_ENERGY[1]:
            _log.warning(
                "frames have %.3g times the energy of those trained on: predict takes container.X times "
                "params.cfg['intensity_scale'], which is %.6g for this network",
                ratio,
                self.intensity_scale,
            )

    def _middles(
        self, patches: NDArray[np.complex64], relative: NDArray[np.float32]
    ) -> NDArray[np.complex64]:
        """Merge the patches of each group and keep the N x N around the group's mean position."""
        if self.settings.positions == 1:
            return patches[:, 0]
        weights = (np.abs(self.probe) ** 2).sum(axis=0)
        N = self.settings.N
        middles = np.empty((len(patches), N, N), np.complex64)
        for row, (group, offsets) in enumerate(zip(patches, relative, strict=True)):
            # A network that did not merge its groups leaves each patch a phase of its own.
            agreed = group if self.settings.object_big else synchronise_phases(group, -offsets, weights)
            canvas = merge_group(agreed, offsets, weights)
            margin = (len(canvas) - N) // 2
            middles[row] = canvas[margin : margin + N, margin : margin + N]
        return middles


def _shape_error(what: str, shape: tuple[int, ...], expected: str, settings: NetworkSettings) -> str:
    return error_text(
        f"{what} has shape {shape}, and the network was trained with N = {settings.N}, gridsize = "
        f"{settings.gridsize}",
        expected=f"{expected}",
        hint=(
            f"generate_grouped_data({settings.N}, gridsize={settings.gridsize}), or a network that was "
            "trained for this data"
        ),
    )


class _Memory:
    """The network that this process trained or opened last: clients save it without naming it."""

    predictor: Predictor | None = None


def remember(predictor: Predictor) -> Predictor:
    """Make a network the one that ``ptycho.model_manager.save`` writes."""
    _Memory.predictor = predictor
    return predictor


def last() -> Predictor | None:
    """Give the network that this process trained or opened last, or None."""
    return _Memory.predictor
