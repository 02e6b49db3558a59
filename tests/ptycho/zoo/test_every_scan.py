"""Files of weights for every scan: found by name or path, read whole or refused with what would do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ptycho.zoo.every_scan import (
    PACKAGED,
    SHAPE,
    NetworkFileError,
    find_network,
    read_network,
    write_network,
)

NETWORK = {"architecture": "canvas_unet", "n_filters_scale": 1, "amp_activation": "sigmoid", "unet_stages": 1}
WEIGHTS = {"core/passes/0/last/bias": np.linspace(-1, 1, 8).astype(np.float32)}


def file_of(folder: Path, header: dict[str, str] | None, **weights: np.ndarray) -> Path:
    """Write a file of weights with any header."""
    path = folder / "net.safetensors"
    save_file(weights or {"core/a": np.zeros(2, np.float16)}, path, metadata=header)
    return path


@pytest.mark.parametrize("name", list(PACKAGED))
def test_a_packaged_network_is_whole(name: str) -> None:
    """It is there, of a few megabytes, has a card, and its weights are finite numbers of its passes."""
    path = find_network(name)
    assert path is not None
    network = read_network(path)
    assert 10**5 < path.stat().st_size < 10**7
    assert "Licence" in path.with_suffix(".md").read_text(encoding="utf-8")
    passes = {weight.split("/")[2] for weight in network.weights}
    assert passes == {str(number) for number in range(network.shape["unet_stages"])}


def test_a_path_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run folder that is called like a packaged network is the run folder."""
    monkeypatch.chdir(tmp_path)
    assert find_network("universal") == PACKAGED["universal"]
    Path("universal").mkdir()
    assert find_network("universal") is None
    assert find_network("nothing") is None


def test_weights_come_back_in_half_precision(tmp_path: Path) -> None:
    """What is written is read, to 1/2048, with the shape of the network."""
    path = tmp_path / "net.safetensors"
    write_network(path, NETWORK, WEIGHTS)
    network = read_network(path)
    assert network.shape == NETWORK
    for name, array in WEIGHTS.items():
        np.testing.assert_allclose(network.weights[name], array, rtol=2**-11)


@pytest.mark.parametrize(
    ("header", "weights", "complaint"),
    [
        (None, {}, "says no version"),
        ({"version": "2"}, {}, "has version '2'"),
        ({"version": "1"}, {}, "describes no network"),
        ({"version": "1", "network": json.dumps({**NETWORK, "architecture": "fno"})}, {}, "Invalid arch"),
        ({"version": "1", "network": json.dumps(NETWORK)}, {"x": np.zeros(2, np.float32)}, "holds 'x'"),
        (
            {"version": "1", "network": json.dumps(NETWORK)},
            {"core/a": np.array([np.nan], np.float32)},
            "no finite weight",
        ),
    ],
)
def test_other_weights_are_refused(
    tmp_path: Path, header: dict[str, str] | None, weights: dict[str, np.ndarray], complaint: str
) -> None:
    """The error says what is wrong, what is needed, and that a reconstruction needs no network."""
    with pytest.raises(NetworkFileError, match=complaint) as caught:
        read_network(file_of(tmp_path, header, **weights))
    assert "ptycho reconstruct SCAN" in str(caught.value)


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    """Whatever the bytes are, there is one kind of error."""
    path = tmp_path / "net.safetensors"
    for content in (b"", b"\0" * 20, b"\xff" * 8 + b"{}", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(NetworkFileError, match="cannot be understood"):
            read_network(path)


def test_a_side_that_is_not_taken_says_what_is(tmp_path: Path) -> None:
    """The sides of the architecture, a crop, and what needs no network."""
    path = tmp_path / "net.safetensors"
    write_network(path, NETWORK, WEIGHTS)
    network = read_network(path)
    assert network.settings_for(72, 2).probe_modes == 2
    with pytest.raises(ValueError, match="70 x 70 pixels") as caught:
        network.settings_for(70, 1)
    for part in ("a multiple of 8 from 32 to 1024", "data.crop_px = 64", "ptycho reconstruct"):
        assert part in str(caught.value)


def test_the_header_names_what_the_weights_fix(tmp_path: Path) -> None:
    """Nothing of a scan stands in the file: any frame side and any probe will do."""
    path = tmp_path / "net.safetensors"
    write_network(path, {**NETWORK, "N": 64, "probe_modes": 3}, WEIGHTS)
    assert tuple(read_network(path).shape) == SHAPE
