"""The schema: every setting once, with a home, a default and a help text."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import pytest

from ptycho.run.resolve import resolve_run
from ptycho.settings import views
from ptycho.settings.effect import settings_without_effect
from ptycho.settings.schema import OFFERED, UNSUPPORTED, schema
from ptyconf import UNSET, ConfigError

CONFIRMED = {"training.n_groups": 512}
DERIVED = {"data.C", "model.C_model", "model.C_forward"}
WHERE_IT_ACTS: dict[str, dict[str, Any]] = {
    "model.offset": {"training.positions_provided": False},
    "model.probe_reference_coeff": {"training.probe_trainable": True},
}
"""What has to be set for a setting to have something to act on, beside the defaults."""


def test_every_setting_says_what_it_does() -> None:
    """No setting is without help."""
    assert [path for path in schema if not schema[path].help] == []


def test_every_field_of_every_class_has_a_setting() -> None:
    """The views leave nothing out but the deprecated name of the groups."""
    for view in views.ALL:
        seen = {attribute.name for attribute in view}
        left = {item.name for item in dataclasses.fields(view.target)} - seen
        assert left <= {"n_images"}, view


def test_sections_are_those_of_the_file() -> None:
    """A settings file has five tables."""
    assert {path.partition(".")[0] for path in schema} == {
        "model",
        "training",
        "inference",
        "execution",
        "data",
    }


@pytest.mark.parametrize(
    ("alias", "path"),
    [
        ("training.epochs", "training.nepochs"),
        ("training.max_epochs", "training.nepochs"),
        ("data.grid_size", "model.gridsize"),
        ("data.nphotons", "training.nphotons"),
        ("data.N", "model.N"),
        ("data.n_subsample", "data.samples_per_point"),
        ("training.learning_rate", "execution.learning_rate"),
        ("training.device", "execution.accelerator"),
        ("training.n_devices", "execution.devices"),
        ("inference.middle_trim", "execution.middle_trim"),
        ("training.intensity_scale_trainable", "model.intensity_scale_trainable"),
        ("training.nll", "training.nll_weight"),
        ("model.mode", "model.model_type"),
        ("model.loss_function", "training.torch_loss_mode"),
    ],
)
def test_torch_names_are_aliases(alias: str, path: str) -> None:
    """A name of the other side reaches the one setting."""
    found = schema.index.find(alias)
    assert found is not None
    assert getattr(found, "path", None) == path


@pytest.mark.parametrize("path", UNSUPPORTED)
def test_what_is_not_built_takes_its_default_only(path: str) -> None:
    """Every field without a feature refuses another value by name, and accepts its own default."""
    default = schema[path].default
    resolve_run("train", overrides={path: default})
    other: Any = not default if isinstance(default, bool) else _other(default)
    with pytest.raises(ConfigError) as caught:
        resolve_run("train", overrides={path: other, **WHERE_IT_ACTS.get(path, {})})
    assert str(caught.value).startswith(
        f"'{path}' is {other!r}, which asks for what is not built here: {UNSUPPORTED[path]}\n"
        f"  written in  overrides['{path}'] ("
    )
    assert f"\n  expected    its default, {default!r}\n" in str(caught.value)


@pytest.mark.parametrize("path", sorted(set(schema.settings) - set(OFFERED) - set(UNSUPPORTED) - DERIVED))
def test_labels_and_inert_values_are_accepted(path: str) -> None:
    """What cannot change a result is accepted, and said to have nothing to act on."""
    default = schema[path].default
    other: Any = not default if isinstance(default, bool) else _other(default)
    resolution = resolve_run("train", overrides={path: other})
    assert resolution[path] == other
    command = "infer" if path.startswith("inference.") else "train"
    notes = settings_without_effect(command, resolution)
    assert [note for note in notes if note.startswith(f"{path} has nothing to act on: ")]


def test_what_would_not_act_is_not_refused() -> None:
    """A name without a feature is accepted where the network chosen has no place for it."""
    resolution = resolve_run("train", overrides={"model.edge_pad": 5, "model.architecture": "unet"})
    assert settings_without_effect("train", resolution) == [
        'model.edge_pad has nothing to act on: model.architecture is "unet"'
    ]
    with pytest.raises(ConfigError, match="another width of the outer frame"):
        resolve_run("train", overrides={"model.edge_pad": 5})


def _other(default: Any) -> Any:
    choices: dict[Any, Any] = {
        "Nearest": "4_quadrant",
        "Isotropic": "Rectangular",
        "Batch": "Group",
        "Parseval": "Max",
    }
    if isinstance(default, str):
        return choices.get(default, "another")
    if default is None:
        return "Total_Variation"
    if isinstance(default, tuple):
        return (0.2, 0.8)
    if isinstance(default, list):
        return ["folder"]
    return default + 1


@pytest.mark.parametrize("written", ["none", None])
def test_no_logger_has_two_spellings(written: str | None) -> None:
    """A text says what TOML cannot: no logger."""
    assert resolve_run("train", overrides={"logger_backend": written})["execution.logger_backend"] is None


def test_realspace_weights_belong_together() -> None:
    """A real-space MAE needs the real-space terms on."""
    with pytest.raises(ConfigError) as caught:
        resolve_run("train", overrides={"realspace_mae_weight": 0.5})
    assert str(caught.value).startswith(
        "realspace_mae_weight = 0.5 needs realspace_weight > 0\n  written in  "
    )
    assert str(caught.value).endswith(
        "  expected    training.realspace_weight above 0\n  try         realspace_weight = 1.0"
    )
    resolve_run("train", overrides={"realspace_mae_weight": 0.5, "realspace_weight": 1.0})


@pytest.mark.parametrize("section", ["training", "inference"])
def test_the_pool_holds_a_group(section: str) -> None:
    """Neighbours to draw from are at least as many as the patches of a group."""
    given = {f"{section}.neighbor_pool_size": 8, "model.gridsize": 3}
    with pytest.raises(ConfigError, match="neighbor_pool_size = 8 must be >= gridsize squared = 9"):
        resolve_run("train", overrides=given)
    resolve_run("train", overrides=given | {f"{section}.neighbor_pool_size": 9})


@pytest.mark.parametrize("channels", [1, 4])
def test_amplitude_channels_may_be_those_of_the_group(channels: int) -> None:
    """The torch side's count of amplitude channels is 1 or that of the patches."""
    resolve_run("train", overrides={"model.decoder_last_amp_channels": channels, "model.gridsize": 2})


def test_amplitude_channels_follow_the_group() -> None:
    """Another count is refused with the one that holds."""
    with pytest.raises(ConfigError) as caught:
        resolve_run("train", overrides={"model.decoder_last_amp_channels": 4, "model.gridsize": 1})
    told = str(caught.value)
    assert told.startswith("decoder_last_amp_channels = 4, and a group has 1 patches\n")
    assert "\n  expected    1, gridsize squared: an amplitude for each patch of a group\n" in told
    assert told.endswith("\n  try         leave model.decoder_last_amp_channels out")


def test_defaults_of_the_schema_are_legal() -> None:
    """Nothing that nobody wrote is refused."""
    resolution = resolve_run("train")
    assert resolution["model.N"] == 64
    for path, setting in schema.settings.items():
        if setting.check is not None and setting.default is not UNSET:
            assert setting.check(setting.default) is None, path


def test_resolving_imports_no_framework() -> None:
    """Reading and explaining a configuration costs no framework, not even numpy."""
    code = (
        "import sys; from ptycho.run.resolve import resolve_run\n"
        "resolve_run('train', overrides={'N': 128})\n"
        "heavy = {'torch', 'tensorflow', 'keras', 'lightning', 'matplotlib', 'numpy'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
