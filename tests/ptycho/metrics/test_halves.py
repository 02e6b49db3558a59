"""Pictures of two halves agree as far as the sample reaches, and what they share is said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ptycho.metrics.halves import Halves, compare_halves, pictures_of
from ptycho.reconstruction.result import Reconstruction


def _picture(object_: np.ndarray, origin: tuple[float, float] = (0.0, 0.0)) -> Reconstruction:
    return Reconstruction(
        object=object_.astype(np.complex64),
        coverage=np.ones(object_.shape, np.float32),
        origin_px=np.array(origin),
        positions=np.zeros((1, 2)),
        probe=np.ones((1, 8, 8), np.complex64),
        frame_indices=np.arange(1),
        measured=np.zeros((1, 8, 8), np.float32),
        predicted=np.zeros((1, 8, 8), np.float32),
    )


def test_halves_agree_as_far_as_noise_lets_them(
    scene: Callable[..., np.ndarray], rng: np.random.Generator
) -> None:
    """More noise in both halves means less resolution; halves that share nothing agree nowhere."""
    truth = scene(140, 150)

    def noisy(level: float) -> Reconstruction:
        noise = rng.standard_normal(truth.shape) + 1j * rng.standard_normal(truth.shape)
        return _picture((truth + level * noise)[:, 4:], (4.0, 0.0))

    fine, coarse = (compare_halves(noisy(level), _picture(truth + 0), 1e-8) for level in (0.01, 0.3))
    assert fine.crossing > coarse.crossing > 0
    assert fine.resolution_m == pytest.approx(fine.resolution_px * 1e-8)
    other = _picture(scene(140, 150, seed=9))
    assert compare_halves(_picture(truth), other, None).crossing < 0.05


def test_a_shared_network_is_no_resolution(scene: Callable[..., np.ndarray]) -> None:
    """What one network said of both halves is called agreement, in words and in JSON."""
    curve = compare_halves(_picture(scene(80, 80)), _picture(scene(80, 80)), None)
    shared = Halves({"network alone": curve}, 100, 100, networks=1)
    assert (
        shared.what
        == "odd and even of all frames, each by itself, one network for both: agreement, no resolution"
    )
    assert shared.as_dict()["shared_network"] is True
    apart = Halves({"network alone": curve}, 100, 100, networks=2)
    assert apart.what.endswith(", a network for each that learned from it alone")
    assert apart.as_dict()["shared_network"] is False
    alone = Halves({"frames alone": curve}, 256, 900, networks=0)
    assert alone.what == "odd and even of the 256 frames around the middle, each by itself"


def test_both_pictures_of_a_network_are_named(scene: Callable[..., np.ndarray]) -> None:
    """The network's own picture stands beside the refined one; a single picture has the name it is given."""
    plain = _picture(scene(40, 40))
    assert list(pictures_of(plain, "frames alone")) == ["frames alone"]
    plain = Reconstruction(**{**plain.__dict__, "network_object": plain.object})
    assert list(pictures_of(plain, "network alone")) == ["refined", "network alone"]
