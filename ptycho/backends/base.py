"""What a backend must do, and how one is chosen: by its name in the settings, never replaced by another."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from ptycho.errors import BackendError
from ptycho.settings.registries import BACKENDS
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ptycho.bundle.archive import Bundle
    from ptycho.reconstruction.iteration import SweepLibrary
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptycho.training.lights import ScanLight
    from ptycho.training.plan import WatchedFolder
    from ptyconf import Resolution


Result = TypeVar("Result")


class Configurations(Protocol):
    """The configurations of a run, with ``params.cfg`` populated from them (CONFIG-001)."""

    @property
    def resolution(self) -> Resolution:
        """What was resolved, with what this machine made of it."""
        ...


class Training(Protocol):
    """What a training leaves, whichever backend did it."""

    @property
    def model(self) -> Any:
        """The model with the weights of the best epoch, as the backend knows it."""
        ...

    @property
    def resolution(self) -> Resolution:
        """The settings with what was measured on the scan."""
        ...

    @property
    def scans(self) -> tuple[str, ...]:
        """Fingerprints of the scans that it learned from."""
        ...

    @property
    def history(self) -> list[dict[str, float]]:
        """One row for each epoch."""
        ...

    @property
    def seconds(self) -> float:
        """Time spent in the training loop."""
        ...

    @property
    def device(self) -> str:
        """Where it ran."""
        ...

    @property
    def best_epoch(self) -> int | None:
        """Epoch of the weights (from 0), or None when none was finished."""
        ...

    @property
    def decisions(self) -> list[str]:
        """What was decided and why, one sentence each."""
        ...

    @property
    def lights(self) -> tuple[ScanLight, ...]:
        """Probe and scales of each scan that it learned from."""
        ...

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        ...

    @property
    def epochs_left(self) -> int:
        """Epochs that were asked for and that Ctrl-C kept from being finished."""
        ...


class Backend(Protocol):
    """What a backend offers to the command line."""

    def train(self, configurations: Configurations, scan: RawData, folder: Path | WatchedFolder) -> Training:
        """Train on a scan; leave checkpoints and metrics in the folder; who watches sees each epoch."""
        ...

    def pack(self, model: Any, resolution: Resolution, home: Path) -> Bundle:
        """Turn a model into what the bundle in that folder will hold."""
        ...

    def begin(self, resolution: Resolution) -> None:
        """Let the framework come up as the settings ask; comes before `unpack` where there are settings."""
        ...

    def unpack(self, bundle: Bundle) -> Any:
        """Turn what a bundle holds into a model."""
        ...

    def reconstruct(self, model: Any, resolution: Resolution, scan: RawData) -> Reconstruction:
        """Reconstruct a scan with a model."""
        ...

    def with_sweeps(self, resolution: Resolution, work: Callable[[SweepLibrary], Result]) -> Result:
        """Do work that sweeps over frames, on the device and the threads that the settings ask for."""
        ...

    def infer_patches(
        self, model: Any, X: NDArray[np.float32], relative: NDArray[np.float32]
    ) -> NDArray[np.complex64]:
        """Infer the patches (B, C, N, N) of groups from X (B, C, N, N) and relative positions (B, C, 2)."""
        ...


@dataclass(frozen=True)
class Library:
    """A library that trains and reconstructs, as the registry of backends holds it.

    Attributes:
        name: Its name in the settings.
        title: Its name in sentences.
        package: What must be installed.
        oldest: Oldest version that will do.
        module: The module that is a `Backend`; imported when it is asked for.
        best_accelerator: Takes the imported package; names the best accelerator that it can use on this
            machine (cuda, else mps, else cpu) and how that is known.
        policy: What stands behind a refusal, " (POLICY-001)" or nothing.
        process_variables: Variables of the environment by which processes that share a training know their
            place.
        leads: Whether this process writes the results of the training that these settings describe.
        settles_execution_config: Whether a `PyTorchExecutionConfig` finds its device with this library.
        loads_package: Whether the package is imported with the backend, so that a broken one is told at once;
            not where it reads its settings when it is imported.
    """

    name: str
    title: str
    package: str
    oldest: str
    module: str
    best_accelerator: Callable[[Any], tuple[str, str]]
    leads: Callable[[Resolution], bool]
    process_variables: tuple[str, ...] = ()
    policy: str = ""
    settles_execution_config: bool = False
    loads_package: bool = False

    def load(self) -> Backend:
        """Import the backend.

        Raises:
            BackendError: The framework is missing or broken.
        """
        needed = f"{self.package} {self.oldest} or newer"
        package_range = f"'{self.package}>={self.oldest}'"
        if find_spec(self.package) is None:
            raise BackendError(
                error_text(
                    f"{self.title} backend selected, but {self.package} is not installed{self.policy}",
                    expected=needed,
                    hint=f"pip install {package_range}",
                )
            )
        try:
            if self.loads_package:
                import_module(self.package)
            return cast("Backend", import_module(self.module))
        except (ImportError, OSError) as error:  # A shared library that is missing is an OSError.
            raise BackendError(
                error_text(
                    f"{self.title} backend selected, but it cannot be imported{self.policy}: {error}",
                    expected=f"a working {needed}",
                    hint=f"pip install --force-reinstall {package_range}",
                )
            ) from error


def library_of(name: str) -> Library:
    """Look up a backend by its name in the settings.

    Raises:
        ValueError: There is no such backend.
    """
    if name not in BACKENDS:
        names = " or ".join(repr(known) for known in sorted(BACKENDS, reverse=True))
        raise ValueError(f"Invalid backend: {name!r}. TrainingConfig.backend must be {names}.")
    return cast("Library", BACKENDS[name])


def load_backend(name: str) -> Backend:
    """Import a backend by its name in the settings.

    Raises:
        BackendError: The framework is missing or broken.
        ValueError: There is no such backend.
    """
    return library_of(name).load()
