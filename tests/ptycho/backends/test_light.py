"""A network sees a scan with the probe of its training, or with the scan's own, and says which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ptycho.backends.light import changed_scans, learned_from, networks_of_scans, probe_of_training
from ptycho.backends.trained_network import OpenedBundle, with_settings
from ptycho.bundle.archive import FILE_NAME, Bundle
from ptycho.bundle.write import write_bundle
from ptycho.physics.scale import measure
from ptycho.raw_data import RawData
from ptycho.run.resolve import resolve_run

N = 64


def held(*files: Path) -> Bundle:
    """Give a bundle that was trained on scans, with a probe of ones."""
    probe = np.ones((1, N, N), np.complex64)
    story = {"training.train_data_file": str(files[0]), "data.more_scans": [str(file) for file in files[1:]]}
    return Bundle(
        backend="pytorch",
        network={"N": N, "gridsize": 1},
        normalisation=measure(1e6, N, "counts", None, probe).as_dict(),
        probe=probe,
        weights={"probe": probe, "measured_scale": np.ones((), np.float32)},
        settings_toml="",
        provenance={"settings": [{"path": path, "value": value} for path, value in story.items()]},
    )


@pytest.fixture
def files(jail: Path, tiny_scan: RawData) -> list[Path]:
    """Write three scans of one object, whose probes differ."""
    written = []
    for number in (1, 2, 3):
        scan = RawData.from_file(tiny_scan.to_file(jail / "raw.npz"))
        scan.probeGuess = np.roll(np.asarray(scan.probeGuess), number, axis=-1)
        written.append(scan.to_file(jail / f"{number}.npz"))
    return written


@pytest.fixture
def trained(jail: Path, files: list[Path]) -> OpenedBundle:
    """Give the network of a run on the first two scans, that of the second in a folder of its own."""
    bundle, run = held(*files[:2]), jail / "run"
    (run / "scan-2").mkdir(parents=True)
    write_bundle(run / FILE_NAME, bundle)
    write_bundle(run / "scan-2" / FILE_NAME, replace(bundle, probe=2 * bundle.probe))
    return with_settings(run / FILE_NAME, bundle)


def test_scans_of_the_training_meet_their_light(trained: OpenedBundle, files: list[Path]) -> None:
    """In whatever order they come, each is seen as it was learned from."""
    scans = RawData.concatenate([RawData.from_file(file) for file in (files[1], files[0])])
    second, first = networks_of_scans(trained, scans, resolve_run("infer"))
    assert first == (trained, "")
    assert second.note == "probe and scale are those of its training, in scan-2"
    np.testing.assert_array_equal(second.network.bundle.probe, 2 * trained.bundle.probe)
    probe = probe_of_training(trained, scans, resolve_run("infer"))
    np.testing.assert_array_equal(probe, second.network.bundle.probe)
    assert [learned_from(trained, file) for file in files] == [True, True, False]


def test_a_file_that_was_replaced_is_another_scan(trained: OpenedBundle, files: list[Path]) -> None:
    """Where other frames lie under the name of a scan of the training, that is seen and said."""
    scans = [RawData.from_file(file) for file in files]
    known = replace(trained.bundle, scans=tuple(scan.fingerprint() for scan in scans))
    trained = replace(trained, bundle=known)
    assert changed_scans(trained, RawData.concatenate(scans)) == []
    arrays = dict(np.load(files[0]))
    np.savez(files[0], **arrays | {"diff3d": np.roll(arrays["diff3d"], 1, axis=0)})
    replaced = RawData.from_file(files[0])
    assert changed_scans(trained, replaced) == ["1.npz"]
    assert changed_scans(replace(trained, bundle=replace(known, scans=())), replaced) == []
    other = trained.for_another_scan()
    assert not learned_from(other, files[0])
    assert changed_scans(other, replaced) == []


def test_several_new_scans_bring_their_probes(trained: OpenedBundle, files: list[Path]) -> None:
    """A new scan is seen through the probe in its file, one without through that of the training."""
    new = RawData.from_file(files[2])
    bare = RawData.from_file(files[2]).subset(np.arange(30))
    bare._valid = replace(bare._valid, probe_modes=None)
    scans = RawData.concatenate([new, bare])
    own, none = networks_of_scans(trained, scans, resolve_run("infer"))
    assert own.note == "probe and scale are those of 3.npz, not those of the training"
    probe = own.network.bundle.probe
    assert new.probe_modes is not None
    ratio = np.abs(probe).sum() / np.abs(new.probe_modes).sum()
    np.testing.assert_allclose(probe, ratio * new.probe_modes, rtol=1e-4, atol=1e-6)
    assert own.network.bundle.normalisation["nphotons"] == pytest.approx(new.mean_square())
    assert none.network is trained
    assert none.note == "the probe is that of the training, for 3.npz, which holds none"


def test_one_new_scan_is_of_the_same_beam(trained: OpenedBundle, files: list[Path]) -> None:
    """A scan that comes alone is seen with the probe that was learned, and that is said."""
    ((network, note),) = networks_of_scans(trained, RawData.from_file(files[2]), resolve_run("infer"))
    assert network is trained
    assert note == "the probe is that of the training, for 3.npz, it was not trained on"
