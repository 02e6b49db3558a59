"""From everything that may say something about a run to one resolution."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.config.config import PyTorchExecutionConfig, TrainingConfig
from ptycho.run.resolve import gives_groups, resolve_layers, resolve_run
from ptycho.settings.command_lines import cli_defaults
from ptycho.settings.data import ScanOptions
from ptycho.settings.layers import bridge_precedence, precedence
from ptycho.settings.schema import schema
from ptyconf import ConfigError, Layer, Resolution, resolve
from ptyconf.sources import flags, mapping

QUICKSTART = """\
[model]
gridsize = 1
architecture = "unet"
[training]
backend = "pytorch"
train_data_file = "scan.npz"
n_groups = 512
nepochs = 20
output_dir = "outputs/quickstart"
[profile.short]
training.nepochs = 2
"""


@pytest.fixture
def quickstart(scan_file: Path) -> Path:
    """Write a settings file beside a scan."""
    file = scan_file.with_name("run.toml")
    file.write_text(QUICKSTART)
    return file


def order(resolution: Resolution, path: str) -> list[tuple[str, Any]]:
    """List layer and value of a setting, high to low."""
    trace = resolution.trace(path)
    return [(each.layer, each.value) for each in (trace.winner, *trace.losers)]


def test_the_order_of_layers_is_data() -> None:
    """The precedence is the documented one, high to low."""
    assert precedence.names == (
        "measured",
        "overrides",
        "flags",
        "execution",
        "environment",
        "profile",
        "file",
        "included",
        "found",
        "data-file",
        "bundle",
        "cli-defaults",
        "recipe",
        "torch-defaults",
        "tensorflow-defaults",
    )
    assert bridge_precedence.names[0] == "overrides"


def test_every_layer_stands_where_the_order_says(quickstart: Path) -> None:
    """A setting written in every layer shows them in the declared order."""
    given = {"training.n_groups": 1}
    resolution = resolve_run(
        "train",
        files=[quickstart],
        flags={"training.nepochs": "6"},
        environment={"PTYCHO__TRAINING__NEPOCHS": "5", "PTYCHO__PROFILE": "short", "HOME": "/"},
        overrides={"nepochs": 7, **given},
        extra_layers=[
            mapping.layer("measured", {"training.nepochs": 8}),
            mapping.layer("bundle", {"training.nepochs": 4}),
            cli_defaults("train"),
        ],
    )
    assert order(resolution, "training.nepochs") == [
        ("measured", 8),
        ("overrides", 7),
        ("flags", 6),
        ("environment", 5),
        ("profile", 2),
        ("file", 20),
        ("bundle", 4),
        ("cli-defaults", 100),
        ("torch-defaults", 50),
        ("tensorflow-defaults", 50),
    ]


def test_the_execution_config_stands_below_flags(quickstart: Path) -> None:
    """A flag beats what the execution configuration's caller set; that beats the environment."""
    resolution = resolve_run(
        "train",
        flags={"--learning_rate": "0.3"},
        execution_config=PyTorchExecutionConfig(accelerator="cpu", learning_rate=0.2, threads=2),
        environment={"PTYCHO__EXECUTION__LEARNING_RATE": "0.1", "PTYCHO__EXECUTION__THREADS": "1"},
    )
    assert order(resolution, "execution.learning_rate")[:3] == [
        ("flags", 0.3),
        ("execution", 0.2),
        ("environment", 0.1),
    ]
    assert resolution["execution.threads"] == 2
    assert str(resolution.trace("execution.learning_rate").winner.origin) == "--learning_rate"


@pytest.mark.parametrize(
    ("path", "value", "passed"),
    [
        ("execution.num_workers", 0, 4),
        ("execution.middle_trim", 0, 32),
        ("execution.strategy", "auto", "ddp"),
    ],
)
def test_execution_defaults_have_one_home(path: str, value: Any, passed: Any) -> None:
    """Defaults of the other torch-side classes are passed over, and the trace says why."""
    trace = resolve_run("train").trace(path)
    assert (trace.value, trace.winner.origin.label) == (value, "PyTorchExecutionConfig")
    assert [each.value for each in trace.losers] == [passed]
    (policy,) = trace.policies
    assert policy.layer == "torch-defaults"
    assert policy.reason.startswith("one setting for both sides")


def test_a_file_finds_its_scan_and_reads_its_header(quickstart: Path, scan_file: Path) -> None:
    """A relative path belongs to the file's folder; the scan's probe gives N."""
    resolution = resolve_run("train", files=[quickstart])
    assert resolution["training.train_data_file"] == scan_file
    assert resolution.winner_layer("model.N") == "data-file"
    origin = resolution.trace("model.gridsize").winner.origin
    assert (origin.file, origin.line, origin.column) == (str(quickstart), 2, 1)


def test_a_profile_is_named_by_argument_or_variable(quickstart: Path) -> None:
    """The argument wins over PTYCHO__PROFILE."""
    assert resolve_run("train", files=[quickstart], profile="short")["training.nepochs"] == 2
    named = resolve_run("train", files=[quickstart], environment={"PTYCHO__PROFILE": "short"})
    assert named["training.nepochs"] == 2
    with pytest.raises(ConfigError, match="long"):
        resolve_run("train", files=[quickstart], environment={"PTYCHO__PROFILE": "short"}, profile="long")


def test_a_scan_that_is_not_there_is_no_error_yet(tmp_path: Path) -> None:
    """A configuration can be explained before its scan exists."""
    resolution = resolve_run("train", overrides={"train_data_file": tmp_path / "no.npz"})
    assert resolution["model.N"] == 64
    assert not resolution.has("model.N", "data-file")


def test_a_scan_without_a_probe_says_nothing(tmp_path: Path) -> None:
    """A file that is no scan leaves N to the other layers."""
    (tmp_path / "scan.npz").write_bytes(b"nothing")
    resolution = resolve_run("train", overrides={"train_data_file": tmp_path / "scan.npz"})
    assert not resolution.has("model.N", "data-file")


@pytest.mark.parametrize(
    "text", ['{"physics_parameters": {"nphotons": true}}', "no json", '{"physics_parameters": 3}']
)
def test_metadata_that_is_odd_gives_no_photons(scan_file: Path, text: str) -> None:
    """Only a number is taken for photons."""
    np.savez(scan_file, **dict(np.load(scan_file)), _metadata=np.array(text))
    resolution = resolve_run("train", overrides={"train_data_file": scan_file})
    assert resolution["training.nphotons"] == 1e9


def test_metadata_gives_photons_with_its_place(scan_file: Path) -> None:
    """Photons of the file stand in its layer, named with the file."""
    text = json.dumps({"physics_parameters": {"nphotons": 4e6}})
    np.savez(scan_file, **dict(np.load(scan_file)), _metadata=np.array(text))
    trace = resolve_run("train", overrides={"train_data_file": scan_file}).trace("training.nphotons")
    assert (trace.value, trace.winner.layer, trace.winner.origin.label) == (4e6, "data-file", str(scan_file))


def test_bare_names_mean_the_commands_own_section() -> None:
    """batch_size is training's in training, inference's in inference."""
    given = {"batch_size": 4, "n_groups": 3}
    assert resolve_run("train", overrides=given)["training.batch_size"] == 4
    assert resolve_run("infer", overrides=given)["inference.batch_size"] == 4
    assert resolve_run("infer", overrides=given)["training.batch_size"] == 16
    assert resolve_run("infer", overrides={"nphotons": 5.0})["training.nphotons"] == 5.0


def test_scan_options_are_built_from_their_section() -> None:
    """The section data makes the options of reading."""
    resolution = resolve_run("train", overrides={"data": {"crop_px": 64, "quantity": "counts"}})
    assert resolution.build(ScanOptions) == ScanOptions(crop_px=64, quantity="counts")


def test_the_variable_of_shared_scans_is_no_setting() -> None:
    """A variable that tests use does not look like a slip."""
    resolve_run("train", environment={"PTYCHO_SHARED_DATA": "/data"})
    with pytest.raises(ConfigError, match="PTYCHO_TRAINING"):
        resolve_run("train", environment={"PTYCHO_TRAINING__NEPOCHS": "3"})


@pytest.mark.parametrize(
    ("layer", "given"),
    [
        (mapping.layer("overrides", {"training": {"n_groups": 3}}), True),
        (mapping.layer("overrides", {"training.n_groups": None}), False),
        (mapping.layer("overrides", {"training.n_groups": "three"}), True),
        (mapping.layer("bundle", {"training.n_groups": 3}), False),
        (cli_defaults("train"), True),
        (cli_defaults("infer"), False),
    ],
    ids=["nested", "none", "wrong", "bundle", "train", "infer"],
)
def test_who_may_say_how_many_groups(layer: Layer, given: bool) -> None:
    """Users and command lines say it; other layers do not, and None says nothing."""
    assert gives_groups("train", [layer]) is given


def test_flags_are_made_from_the_schema() -> None:
    """A parser of all settings gives a layer of those really written."""
    parser = argparse.ArgumentParser()
    flags.add_flags(parser, schema)
    namespace = parser.parse_args(["--nepochs", "3", "--model.architecture", "unet"])
    resolution = resolve_run("train", flags=flags.layer(namespace))
    assert resolution["training.nepochs"] == 3
    assert resolution["model.architecture"] == "unet"
    assert resolution.build(TrainingConfig).nepochs == 3


def test_command_line_defaults_name_their_flag() -> None:
    """A default of the command line says which flag would change it."""
    resolution = resolve_run("train", extra_layers=[cli_defaults("train")])
    assert resolution["training.n_groups"] == 512
    origin = resolution.trace("training.n_groups").winner.origin
    assert str(origin) == "python -m ptycho_torch.train --n_images default"


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often sources are read and resolved; what is put onto a resolution later does not count."""
    counted: list[int] = []

    def count(*args: Any, **more: Any) -> Resolution:
        counted.append(len(counted))
        return resolve(*args, **more)

    monkeypatch.setattr("ptycho.run.resolve.resolve", count)
    return counted


def test_a_training_is_resolved_once(quickstart: Path, resolves: list[int]) -> None:
    """The scan's header is one more layer, also where the settings crop its frames."""
    probe = np.ones((128, 128), np.complex64)
    np.savez(quickstart.with_name("scan.npz"), diff3d=np.ones((8, 128, 128), np.float32), probeGuess=probe)
    resolution = resolve_run("train", files=[quickstart], overrides={"data.crop_px": 64})
    assert len(resolves) == 1
    assert order(resolution, "model.N")[0] == ("data-file", 64)


def test_what_is_written_is_put_onto_a_trained_network(scan_file: Path, resolves: list[int]) -> None:
    """Settings of a bundle that were resolved when it was opened are not resolved again for its use."""
    bundle = mapping.layer("bundle", {"model.gridsize": 2, "model.n_filters_scale": 1}, kind="bundle")
    trained = resolve_layers([bundle])
    resolution = resolve_run(
        "infer", overrides={"test_data_file": scan_file, "model.gridsize": 1}, trained=trained
    )
    assert len(resolves) == 1
    assert order(resolution, "model.gridsize")[:2] == [("overrides", 1), ("bundle", 2)]
    assert resolution.winner_layer("model.N") == "data-file"
