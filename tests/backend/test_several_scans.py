"""One network that learns from several scans: each keeps its probe, its scale and its picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import round_probe

from ptycho.backends.trained_network import open_network
from ptycho.commands.main import main
from ptycho.files import npz
from ptycho.network.settings import NetworkSettings
from ptycho.physics.scale import measure
from ptycho.training.lights import Lights, ScanLight, lights_of


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, trained: Path, backend: str) -> Path:
    """Train on two scans: the second has ten times the light, and another scale of its probe."""
    folder = tmp_path_factory.mktemp("several")
    with np.load(trained / "other.npz") as arrays:
        bright = {key: arrays[key] for key in ("xcoords", "ycoords", "objectGuess")}
        frames, probe = arrays["diff3d"], arrays["probeGuess"]
    npz.write(
        folder / "bright.npz", bright | {"diff3d": frames.astype(np.uint32) * 10, "probeGuess": 3 * probe}
    )
    scans = [str(trained / "train.npz"), str(folder / "bright.npz")]
    flags = ["--training.output_dir", str(folder / "run"), "--nepochs", "1", "--n_groups", "72", "--quiet"]
    assert main(["train", str(trained / "run.toml"), *scans, *flags]) == 0
    return folder / "run"


def test_each_scan_has_its_own_picture(run: Path) -> None:
    """The run holds a picture, a report and a network for each scan, of which each fits its own truth."""
    for folder in (run, run / "scan-2"):
        assert {"report.md", "object.png", "reconstruction.npz", "wts.h5.zip"} <= {
            path.name for path in folder.iterdir()
        }
        scores = json.loads((folder / "scores.json").read_text())
        assert scores["refined"]["phase"]["correlation"] > 0.7
    assert (run / "object-scan-2.png").is_file()
    assert "bright.npz: its report is scan-2/report.md" in (run / "report.md").read_text()


def test_each_scan_has_its_own_light(run: Path, backend: str) -> None:
    """The weights are those of one network; probe and scale are those of the scan."""
    first, second = (open_network(folder).bundle for folder in (run, run / "scan-2"))
    differing = {
        name for name in first.weights if not np.array_equal(first.weights[name], second.weights[name])
    }
    assert differing == {"probe", "measured_scale"}
    scales = [float(bundle.weights["measured_scale"]) for bundle in (first, second)]
    assert scales[1] / scales[0] == pytest.approx(np.sqrt(10), rel=0.02)
    assert second.normalisation["nphotons"] / first.normalisation["nphotons"] == pytest.approx(10, rel=0.02)


@pytest.mark.parametrize("object_big", [True, False])
def test_a_group_is_seen_in_the_light_of_its_scan(
    object_big: bool, side: Any, rng: np.random.Generator
) -> None:
    """A batch of groups of two scans predicts for each group what the network of its scan alone does."""
    settings = NetworkSettings(
        architecture="unet", gridsize=2, unet_stages=1, n_filters_scale=1, object_big=object_big
    )
    first = round_probe(64)
    probes = [first, np.roll(first, 5, axis=2) * np.complex64(1.2)]
    masks = [np.ones((64, 64), bool), rng.random((64, 64)) > 0.1]
    alone = [side.build(settings, probe, 900.0, "float32") for probe in probes]
    ops = alone[0].physics.ops
    X = side.tensor((rng.random((2, 4, 64, 64))).astype(np.float32))
    # Alike for both: the network sees where the canvas of a batch ends, which is that of its widest group.
    relative = side.tensor(np.repeat(rng.uniform(-3, 3, (1, 4, 2)), 2, axis=0).astype(np.float32))
    scans = [
        ScanLight(str(number), probe, measure(1e6, 64, "counts", None, probe), mask)
        for number, (probe, mask) in enumerate(zip(probes, masks, strict=True))
    ]
    numbers = ops.from_numpy(np.array([1, 0]), X)
    together = alone[0].predict_groups(X, relative, Lights(ops, scans).of(numbers))
    for place, number in enumerate([1, 0]):
        good = ops.from_numpy(masks[number], X)
        patches = alone[number].agreed_patches(X[place : place + 1], relative[place : place + 1], good)
        expected = (patches, alone[number].diffract(patches))
        for value, own in zip(together, expected, strict=True):
            np.testing.assert_allclose(side.array(value)[place], side.array(own)[0], rtol=0, atol=1e-4)


def test_a_probe_that_is_learned_belongs_to_one_scan() -> None:
    """A network learns one probe: several scans and a probe to be learned are refused, scans named."""
    light = ScanLight("a.npz", round_probe(64), measure(1e6, 64, "counts", None, round_probe(64)), None)
    learning = NetworkSettings(probe_trainable=True)
    with pytest.raises(ValueError, match=r"a network learns one probe, and 2 scans .* each: a\.npz, a\.npz"):
        lights_of(None, [light, light], learning)
    assert lights_of(None, [light], learning) is None
