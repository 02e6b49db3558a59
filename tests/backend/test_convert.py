"""A bundle that the other backend wrote, in this one's hands: converted, or refused with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.backends.trained_network import open_network
from ptycho.bundle.archive import FILE_NAME, BundleError
from ptycho.bundle.read import read_bundle
from ptycho.bundle.write import write_bundle
from ptycho.commands.main import main
from ptycho.network.settings import NetworkSettings
from ptycho.physics.scale import Normalisation
from ptycho.reconstruction.retrieved_picture import RetrievedPicture, read_pictures
from ptycho.run.resolve import resolve_run
from ptycho.training.trained_model import Model
from ptycho.workflows.backend_selector import load_backend

CREATED = "2026-11-24T08:00:00+00:00"
SCALES = Normalisation(2.0, 900.0, 0.5, 1e6, 4.0, 2.0)


@pytest.fixture
def run_folder(tmp_path: Path, backend: str, other: str, build_network: Callable[..., Any]) -> Path:
    """A run folder as the other backend leaves it: the layout is one, the manifest's word differs."""
    home = tmp_path / "run"
    settings = NetworkSettings(n_filters_scale=1, architecture="unet", unet_stages=1)
    network = build_network(settings, np.ones((1, 64, 64), np.complex64), SCALES.intensity_scale)
    overrides: dict[str, Any] = {f"model.{name}": value for name, value in settings.as_dict().items()}
    del overrides["model.probe_trainable"]
    overrides |= {"training.backend": other, "training.train_data_file": home / "scan.npz"}
    overrides |= {"training.output_dir": home, "n_groups": 8}
    packed = load_backend(backend).pack(
        Model(network, SCALES), resolve_run("train", overrides=overrides), home
    )
    made = replace(packed, backend=other, created=CREATED, versions={"ptychopinn": "0.1.0"})
    write_bundle(home / FILE_NAME, made)
    return home


@pytest.fixture
def wrote(other: str) -> str:
    """How the writer of that bundle is named."""
    return f"ptychopinn 0.1.0, backend {other}, {CREATED}"


def test_a_converted_bundle_holds_the_same_numbers(run_folder: Path, backend: str, wrote: str) -> None:
    """Weights, probe, scales, network and what was retrieved stay; backend, time and story are new."""
    picture = np.ones((64, 64), np.complex64)
    middle, first = np.array([[32.0, 32.0]]), np.array([0])
    retrieved = RetrievedPicture(picture, np.array([0, 0]), picture[None], first, middle, "a scan")
    retrieved.save(run_folder / "retrieved.npz")
    assert main(["convert", str(run_folder), "--to", backend, "--quiet"]) == 0
    before = read_bundle(run_folder / FILE_NAME)
    after = read_bundle(run_folder.with_name(f"run-{backend}") / FILE_NAME)
    assert after.weights.keys() == before.weights.keys()
    for name, array in before.weights.items():
        np.testing.assert_array_equal(after.weights[name], array, err_msg=name)
        assert after.weights[name].dtype == array.dtype
    np.testing.assert_array_equal(after.probe, before.probe)
    assert (after.network, after.normalisation) == (before.network, before.normalisation)
    assert (after.backend, after.converted_from) == (backend, (before.writer,))
    assert (str(after.trained_by), before.trained_by) == (wrote, before.writer)
    assert "numpy" in after.versions
    [moved] = read_pictures(run_folder.with_name(f"run-{backend}"))
    assert moved.scan == "a scan"


def test_settings_of_a_converted_bundle_are_its_own(run_folder: Path, backend: str, other: str) -> None:
    """They resolve to the new backend and the same scan, and the story tells who changed what."""
    assert main(["convert", str(run_folder), "--to", backend, "--quiet"]) == 0
    folder = run_folder.with_name(f"run-{backend}")
    assert sorted(item.name for item in folder.iterdir()) == [
        "provenance.json",
        "run.json",
        "settings.toml",
        FILE_NAME,
    ]
    settings = resolve_run("train", files=[folder / "settings.toml"])
    assert settings["training.backend"] == settings["inference.backend"] == backend
    assert Path(settings["training.train_data_file"]).resolve() == run_folder / "scan.npz"
    assert Path(settings["training.output_dir"]).resolve() == folder
    held = read_bundle(folder / FILE_NAME)
    assert (folder / "settings.toml").read_text() == held.settings_toml
    assert json.loads((folder / "provenance.json").read_text()) == held.provenance
    story = {entry["path"]: entry for entry in held.provenance["settings"]}["training.backend"]
    assert story["winner"]["origin"]["key"] == f"ptycho convert --to {backend}"
    assert (story["losers"][0]["layer"], story["losers"][0]["value"]) == ("overrides", other)


def test_a_bundle_may_become_a_file_of_any_name(
    run_folder: Path, backend: str, other: str, tmp_path: Path
) -> None:
    """An output that ends in .zip is the archive alone, and its paths are seen from its folder."""
    output = tmp_path / "far" / "away" / "star.zip"
    assert main(["convert", str(run_folder), "--to", backend, "--quiet", "--output", str(output)]) == 0
    held = read_bundle(output)
    assert 'train_data_file = "../../run/scan.npz"' in held.settings_toml
    renamed = replace(held, backend=other)
    write_bundle(tmp_path / "named.zip", renamed)
    assert main(["convert", str(tmp_path / "named.zip"), "--to", backend, "--quiet"]) == 0
    story = read_bundle(tmp_path / f"named-{backend}.zip").converted_from
    assert [writer.backend for writer in story] == [other, other]


def test_nothing_is_overwritten(
    run_folder: Path, backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An output that exists, folder or file, is an error and stays as it is."""
    taken = tmp_path / "taken"
    taken.mkdir()
    command = ["convert", str(run_folder), "--to", backend, "--output", str(taken)]
    assert main(command) == 2
    assert capsys.readouterr().err == (
        f"{taken} exists, and nothing is overwritten\n"
        "  expected  a name that is free\n"
        "  try       another --output\n"
    )
    assert not list(taken.iterdir())


def test_a_bundle_of_that_backend_already_is_said(
    run_folder: Path, backend: str, other: str, wrote: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nothing to convert: code 2, so that nobody waits for a new file."""
    path = run_folder / FILE_NAME
    write_bundle(path, replace(read_bundle(path), backend=backend))
    assert main(["convert", str(run_folder), "--to", backend]) == 2
    assert capsys.readouterr().err == (
        f"{path} is for {backend} already\n"
        f"  written by  {wrote.replace(other, backend)}\n"
        "  expected    a bundle of the other backend\n"
        "  try         using it as it is\n"
    )
    assert not list(run_folder.parent.glob("run-*"))


ANOTHER = "these weights belong to another network"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no weights": (
        {"weights": {}},
        (
            f"{ANOTHER}; missing: core/passes/0/bottom/conv0/bias, core/passes/0/bottom/conv0/kernel, "
            "core/passes/0/bottom/conv1/bias and 23 more"
        ),
    ),
    "another architecture": (
        {"network": {"architecture": "cnn"}},
        (
            f"{ANOTHER}; missing: core/amplitude_decoder/levels/0/conv0/bias, "
            "core/amplitude_decoder/levels/0/conv0/kernel, core/amplitude_decoder/levels/0/conv1/bias "
            "and 41 more; unknown: core/passes/0/bottom/conv0/bias, core/passes/0/bottom/conv0/kernel, "
            "core/passes/0/bottom/conv1/bias and 19 more"
        ),
    ),
    "another width": (
        {"network": {"n_filters_scale": 2}},
        (
            f"{ANOTHER}; of another shape: core/passes/0/bottom/conv0/bias, "
            "core/passes/0/bottom/conv0/kernel, core/passes/0/bottom/conv1/bias and 18 more"
        ),
    ),
    "another N": (
        {"network": {"N": 128}},
        "the probe of shape (1, 64, 64) and type complex64 does not fit the network",
    ),
    "a setting that is none": (
        {"network": {"depth": 3}},
        "NetworkSettings.__init__() got an unexpected keyword argument 'depth'",
    ),
    "text for a number": (
        {"network": {"gridsize": "two"}},
        "'<' not supported between instances of 'str' and 'int'",
    ),
    "a huge network": (
        {"network": {"n_filters_scale": 4096}},
        "the bundle describes a network of at least 289910292480 numbers and holds 39754",
    ),
    "no scales": (
        {"normalisation": {}},
        (
            "the stored normalisation lacks amplitude_factor and lacks intensity_scale and "
            "lacks probe_factor and lacks nphotons and lacks mean_square and lacks energy_ratio"
        ),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_weights_that_do_not_fit_name_their_writer(
    run_folder: Path, backend: str, wrote: str, case: str
) -> None:
    """Whoever wrote the bundle is named beside what does not fit, and nothing is built from it."""
    changes, what = WRONG[case]
    path = run_folder / FILE_NAME
    held = read_bundle(path)
    changes = {key: getattr(held, key) | value if value else {} for key, value in changes.items()}
    with pytest.raises(BundleError) as caught:
        replace(open_network(run_folder), bundle=replace(held, **changes)).load(backend)
    assert str(caught.value) == (
        f"{path} does not fit {backend}: {what}\n"
        f"  written by  {wrote}\n"
        "  expected    the weights of the network that it describes\n"
        "  try         copying it again from where it was made"
    )


def test_settings_of_another_hand_are_refused(run_folder: Path, backend: str, wrote: str) -> None:
    """A bundle whose settings.toml no run wrote is not converted by half."""
    path = run_folder / FILE_NAME
    write_bundle(path, replace(read_bundle(path), settings_toml="[training]\nbackend='?'\n"))
    with pytest.raises(BundleError) as caught:
        main(["convert", str(run_folder), "--to", backend, "--debug"])
    assert str(caught.value) == (
        f"{path} holds settings that cannot be read: "
        "inference.backend, training.backend cannot be changed in these settings\n"
        f"  written by  {wrote}\n"
        "  expected    settings.toml as a run wrote it\n"
        "  try         copying it again from where it was made"
    )
    assert not list(run_folder.parent.glob("run-*"))


def test_converting_imports_the_target_alone(
    run_folder: Path, backend: str, foreign_packages: set[str]
) -> None:
    """A process that converts holds nothing of the framework that the bundle came from."""
    code = (
        "import sys\nfrom ptycho.commands.main import main\n"
        f"code = main(['convert', {str(run_folder)!r}, '--to', {backend!r}, '--quiet'])\n"
        f"print(code, sorted({foreign_packages!r} & {{name.split('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "0 []"
