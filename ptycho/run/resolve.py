"""From everything that may say something about a run to one resolution. Imports no framework."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ptycho.run.data_file import ProbeSide, data_file_layer, positions_layer, probe_side
from ptycho.settings import views
from ptycho.settings.call_site import outside_stack_level
from ptycho.settings.data import LARGEST_PADDING, ScanOptions
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.layers import (
    BARE_NAMES,
    ENVIRONMENT_PREFIX,
    TENSORFLOW_DEFAULTS,
    TORCH_DEFAULTS,
    WRITTEN_BY_USERS,
    Command,
    precedence,
)
from ptycho.settings.recipe import counts_groups, recipe_layers
from ptycho.settings.schema import schema
from ptycho.settings.sides import nearest_side
from ptyconf import ConfigError, Layer, Origin, Problem, Resolution, resolve
from ptyconf.sources import environment, instance, mapping, toml

PathLike = str | os.PathLike[str]

SCAN_OF: Mapping[Command, str] = {"train": "training.train_data_file", "infer": "inference.test_data_file"}
GROUPS_OF: Mapping[Command, str] = {"train": "training.n_groups", "infer": "inference.n_groups"}
GROUPS_REQUIRED = "n_groups is required in overrides"
NO_SETTINGS = frozenset({"PTYCHO_SHARED_DATA"})
"""Variables that start like settings and are none: where tests and benchmarks find the shared scans."""
NO_NETWORK = "flat"
"""What `inference.start` calls a start without a network."""

_PROFILE_VARIABLE = f"{ENVIRONMENT_PREFIX}__PROFILE"


class Sources(NamedTuple):
    """What users wrote for one run, source by source.

    Attributes:
        files: Settings files; a later one stands above an earlier one.
        flags: A layer of flags, or values by path.
        environ: Variables of the environment; None leaves the environment unread.
        overrides: Values by path, by name within a section, or by bare name.
        execution_config: An execution configuration; only the fields that its caller set count.
        profile: Name of the profile of the settings files.
    """

    files: Iterable[PathLike] = ()
    flags: Layer | Mapping[str, Any] | None = None
    environ: Mapping[str, str] | None = None
    overrides: Mapping[str, Any] | None = None
    execution_config: PyTorchExecutionConfig | None = None
    profile: str | None = None

    def layers(self, command: Command, *, stacklevel: int = 1) -> list[Layer]:
        """Make the layers of all that was written.

        Args:
            command: Settles what a bare name means.
            stacklevel: Whose line is remembered for the overrides; 1 is the caller.
        """
        layers: list[Layer] = []
        if self.overrides:
            layers.append(
                mapping.layer(
                    "overrides", self.overrides, sections=BARE_NAMES[command], stacklevel=stacklevel + 1
                )
            )
        if self.flags is not None:
            layers.append(_flag_layer(self.flags, command))
        if self.execution_config is not None:
            layers.append(instance.layer("execution", self.execution_config, views.EXECUTION))
        if self.environ is not None:
            layers.append(environment.layer(ENVIRONMENT_PREFIX, _settings_in(self.environ), schema=schema))
        if paths := [Path(path) for path in self.files]:
            profile, asked = self._profile()
            sections = BARE_NAMES[command]
            layers.extend(toml.load_all(paths, profile=profile, asked=asked, sections=sections))
        return layers

    def _profile(self) -> tuple[str | None, Origin | None]:
        """Give the profile, and the variable that asks for it, where it is one."""
        if self.profile is None and self.environ is not None:
            origin = Origin("environment", "environment", _PROFILE_VARIABLE)
            return self.environ.get(_PROFILE_VARIABLE), origin
        return self.profile, None


def _flag_layer(given: Layer | Mapping[str, Any], command: Command) -> Layer:
    if isinstance(given, Layer):
        return given
    from ptyconf.sources import flags  # argparse is no use to programs that pass no flags

    values = {key.removeprefix("--"): value for key, value in given.items()}
    return flags.given(values, sections=BARE_NAMES[command])


def _settings_in(environ: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in environ.items() if name not in NO_SETTINGS}


def gives_groups(command: Command, layers: Iterable[Layer]) -> bool:
    """Tell whether users, or a command line's defaults, say how many groups to draw, rightly or wrongly."""
    path = GROUPS_OF[command]
    return any(layer.name in WRITTEN_BY_USERS and _speaks_of(layer, path) for layer in layers)


def _speaks_of(layer: Layer, path: str) -> bool:
    return layer.writes(schema, path) or any(fault.path == path for fault in layer.read(schema).faults)


def resolve_run(  # noqa: PLR0913  One argument a source.
    command: Command,
    *,
    files: Iterable[PathLike] = (),
    flags: Layer | Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    execution_config: PyTorchExecutionConfig | None = None,
    extra_layers: Iterable[Layer] = (),
    profile: str | None = None,
    trained: Resolution | None = None,
    recipe: str | None = None,
    network: bool = True,
) -> Resolution:
    """Resolve the settings of a run, once; what the scan's header says is one more layer.

    Args:
        command: "train" or "infer".
        files: Settings files; a later one stands above an earlier one.
        flags: A layer of flags, or values by path.
        environment: Variables of the environment; None leaves the environment unread.
        overrides: Values by path, by name within a section, or by bare name.
        execution_config: An execution configuration; only the fields that its caller set count.
        extra_layers: Further layers, such as the bundle's or the defaults of a command line.
        profile: Name of the profile of the settings files.
        trained: The settings of a trained network, onto which the others are put.
        recipe: The recipe that stands below what is written; None for none.
        network: Whether a network takes part: frames of a side that it does not take are cut or filled up.
            Sweeps alone take every side, unless `inference.start` names a network.

    Raises:
        ConfigError: Everything that is wrong with the settings, together.
    """
    written = Sources(files, flags, environment, overrides, execution_config, profile)
    beneath = () if recipe is None else recipe_layers(recipe)
    layers = [*written.layers(command, stacklevel=2), *extra_layers, *beneath]
    resolution = resolve_layers(layers) if trained is None else trained.with_layer(*layers)
    scan = resolution.get(SCAN_OF[command])
    if scan is None or not Path(scan).is_file():
        return resolution
    network = network or resolution["inference.start"] != NO_NETWORK
    resolution = _with_scan(resolution, Path(scan), probe_side(Path(scan)), network=network)
    if command == "train" and counts_groups(recipe) and resolution["training.n_groups"] is None:
        return resolution.with_layer(positions_layer(Path(scan), resolution.build(views.SCAN)))
    return resolution


def resolve_layers(
    layers: Iterable[Layer], *, scan: Path | None = None, probe: ProbeSide | None = None
) -> Resolution:
    """Resolve layers above the defaults of both sides, with what the scan file says between them.

    Raises:
        ConfigError: Everything that is wrong with the settings, together.
    """
    stack = [*layers, *TORCH_DEFAULTS, *TENSORFLOW_DEFAULTS]
    stacklevel = outside_stack_level()
    if scan is None or probe is None:
        return resolve(schema, precedence, stack, stacklevel=stacklevel)
    if _changes_what_it_says(stack):
        return _with_scan(resolve(schema, precedence, stack, stacklevel=stacklevel), scan, probe)
    return resolve(schema, precedence, [*stack, data_file_layer(scan, probe)], stacklevel=stacklevel)


def _with_scan(resolution: Resolution, scan: Path, probe: ProbeSide, *, network: bool = True) -> Resolution:
    """Add what a scan's header says, its side as the settings crop and bin it, or as a network takes it."""
    options = resolution.build(views.SCAN)
    if options.energy_kev is not None:
        # The energy that somebody writes stands above the wavelength of the file: both say one thing.
        facts = {name: fact for name, fact in probe.facts.items() if name != "wavelength_m"}
        probe = probe._replace(facts=facts)
    probe = probe.under(options)
    whole = probe.frame_side if probe.side is None else probe.side
    if whole is None:
        return resolution.with_layer(data_file_layer(scan, probe))
    crop = _side_of_a_network(resolution, options, whole)
    if crop is not None and not network:
        # Sweeps take every side; no network is there whose side could be named.
        return resolution.with_layer(data_file_layer(scan, probe._replace(side=None, frame_side=None)))
    side = options.frame_side(whole) if crop is None else crop
    return resolution.with_layer(
        data_file_layer(scan, probe, side=None if side == whole else side, crop=crop)
    )


def _side_of_a_network(resolution: Resolution, options: ScanOptions, whole: int) -> int | None:
    """Choose the side that frames are cut or filled up to; None where they may stay as they are.

    A side that somebody asks for is taken, else the one that the architecture takes. What crops or bins the
    frames settles it otherwise.
    """
    if options.crop_px is not None or options.bin != 1:
        return None
    largest = LARGEST_PADDING * whole
    nearest = nearest_side(resolution["model.architecture"], whole, largest)
    if nearest == whole:
        return None
    if resolution.trace("model.N").winner.layer in {"torch-defaults", "tensorflow-defaults"}:
        return nearest
    asked: int = resolution["model.N"]
    return asked if asked <= largest else None


def _changes_what_it_says(layers: Iterable[Layer]) -> bool:
    """Tell whether anybody crops, bins, or writes energy or pixel: what the file says is no longer all."""
    paths = ("data.crop_px", "data.bin", "data.energy_kev", "data.pixel_size_m")
    written = [layer for layer in layers if layer.kind != "defaults"]
    return any(layer.writes(schema, path) for layer in written for path in paths)


def groups_missing(command: Command) -> ConfigError:
    """Make the error that nobody said how many groups to draw."""
    path = GROUPS_OF[command]
    section = path.partition(".")[0]
    problem = Problem(
        GROUPS_REQUIRED,
        path=path,
        expected=f"{path}, the number of groups to draw, from overrides, a flag, the environment or a file",
        hint=f"n_groups = 512 in [{section}], --n_groups 512, or overrides=dict(..., n_groups=512)",
    )
    return ConfigError([problem])
