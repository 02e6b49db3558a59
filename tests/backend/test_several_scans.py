"""One network that learns from several scans: each keeps its probe, its scale and its picture."""

from __future__ import annotations

import json
import re
import shutil
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
from ptycho.reconstruction.result import Reconstruction
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


def infer(run: Path, folder: Path, *scans: Path) -> list[str]:
    """Reconstruct scans with the network of a run, and give the notes of each picture."""
    words = [str(scans[0]), *map(str, scans[1:]), "--output_dir", str(folder), "--quiet"]
    assert main(["infer", str(run), *words, "--refine_epochs", "0", "--accelerator", "cpu"]) == 0
    folders = [folder, *(folder / f"scan-{number}" for number in range(2, 1 + len(scans)))]
    return ["\n".join(Reconstruction.load(one / "reconstruction.npz").notes) for one in folders]


@pytest.mark.slow
def test_a_scan_meets_its_own_probe_again(run: Path, trained: Path, tmp_path: Path) -> None:
    """Scans that were trained on are seen with probe and scale of their training, in whatever order."""
    bright = run.parent / "bright.npz"
    notes = infer(run, tmp_path / "seen", bright, trained / "train.npz")
    assert "probe and scale are those of its training, in scan-2" in notes[0]
    assert "probe" not in notes[1]
    probe, held = (
        Reconstruction.load(tmp_path / "seen" / "reconstruction.npz").probe,
        open_network(run / "scan-2"),
    )
    ratio = np.abs(probe).sum() / np.abs(held.bundle.probe).sum()
    np.testing.assert_allclose(probe, ratio * held.bundle.probe, atol=1e-4 * np.abs(probe).max())


@pytest.mark.slow
def test_finish_gives_each_scan_its_light(run: Path, tmp_path: Path) -> None:
    """A training that ended before its results is completed with a picture of each scan in its own light."""
    left = tmp_path / "run.partial"
    for name in ("wts.h5.zip", "settings.toml", "provenance.json", "run.json", "scan-2/wts.h5.zip"):
        (left / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(run / name, left / name)
    text = (left / "settings.toml").read_text()
    (left / "settings.toml").write_text(re.sub(r'"\.\./', f'"{run.parent}/', text))
    assert main(["finish", str(left), "--quiet"]) == 0
    whole = tmp_path / "run"
    assert (whole / "scan-2" / "wts.h5.zip").is_file()
    assert "in scan-2" in (whole / "scan-2" / "report.md").read_text()
    before, after = (Reconstruction.load(one / "scan-2" / "reconstruction.npz") for one in (run, whole))
    assert before.network_object is not None
    assert after.network_object is not None
    np.testing.assert_allclose(np.abs(after.network_object), np.abs(before.network_object), atol=1e-3)
