"""What a bundle says about the settings of a reconstruction, and what it insists on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.bundle.archive import Bundle
from ptycho.run.bundle_layer import bundle_layer, require_same_network
from ptycho.run.resolve import resolve_run
from ptyconf import ConfigError, Resolution

ARCHIVE = Path("run") / "wts.h5.zip"
TRAINED = {
    "model.probe_scale": 4.0,
    "training.neighbor_count": 7,
    "training.positions_provided": False,
    "training.nepochs": 3,
    "data.C": 4,
}
HELD = Bundle(
    backend="pytorch",
    network={"N": 64, "gridsize": 2, "architecture": "unet", "probe_trainable": True},
    normalisation={},
    probe=np.ones((1, 64, 64), np.complex64),
    weights={},
    settings_toml="",
    provenance={"settings": [{"path": path, "value": value} for path, value in TRAINED.items()]},
)


def resolved(**written: Any) -> Resolution:
    """Resolve an inference above the bundle; two underscores stand for the dot."""
    overrides = {name.replace("__", "."): value for name, value in written.items()}
    return resolve_run("infer", overrides=overrides, extra_layers=[bundle_layer(ARCHIVE, HELD)])


def test_the_bundle_says_what_it_was_trained_with() -> None:
    """Network, backend and how frames were laid out come from the bundle; how it was trained does not."""
    resolution = resolved()
    assert resolution["model.architecture"] == "unet"
    assert resolution["inference.backend"] == "pytorch"
    assert resolution["inference.neighbor_count"] == 7
    assert resolution["training.positions_provided"] is False
    assert resolution.winner_layer("training.nepochs") != "bundle"
    require_same_network(resolution, HELD)


@pytest.mark.parametrize(
    ("path", "value", "held", "remedy"),
    [
        ("model.gridsize", 1, 2, "leaving gridsize out, or a network that was trained with it"),
        ("model.probe_scale", 2.0, 4.0, "leaving probe_scale out, or a network that was trained with it"),
        (
            "model.N",
            128,
            64,
            "data.crop_px = 64, or a network that was trained on frames of this size",
        ),
    ],
)
def test_settings_that_contradict_the_weights_are_refused(
    path: str, value: object, held: object, remedy: str
) -> None:
    """The error names both places."""
    with pytest.raises(ConfigError) as caught:
        require_same_network(resolved(**{path.replace(".", "__"): value}), HELD)
    first, *_, last = str(caught.value).splitlines()
    assert first == f"'{path}' is {value!r}, and the trained network was made with {held!r}"
    assert last.split(maxsplit=1) == ["try", remedy]
    assert str(ARCHIVE) in str(caught.value)


def test_what_was_learned_may_be_chosen_anew() -> None:
    """Whether probe or scale were trainable does not change what the weights mean."""
    require_same_network(resolved(training__probe_trainable=False), HELD)


def test_settings_of_a_scan_stay_with_it() -> None:
    """Where positions, probe and entry lie is taken over for the scan of the training, and for no other."""
    told = {"data.positions": "a.csv", "data.entry": 2, "data.more_scans": ["b.npz"], "data.energy_kev": 8.0}
    story = {"settings": [{"path": path, "value": value} for path, value in told.items()]}
    held = replace(HELD, provenance=story)
    same, other = (
        resolve_run("infer", extra_layers=[bundle_layer(ARCHIVE, held, same_scan=same)])
        for same in (True, False)
    )
    assert (same["data.positions"], same["data.entry"]) == ("a.csv", 2)
    assert (other["data.positions"], other["data.entry"]) == (None, None)
    for resolution in (same, other):
        assert resolution["data.more_scans"] == ()
        assert resolution["data.energy_kev"] == 8.0
