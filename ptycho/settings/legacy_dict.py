"""The legacy settings dict: readable everywhere, written by `update_legacy_dict`, aware of who wrote what.

`cfg` is an ordinary mutable mapping for its users. Beside its values it remembers the file and line that
wrote each key last, whether a configuration has populated it (CONFIG-001), and whether it is sealed.
Importing this module imports no framework.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho.settings.call_site import call_site
from ptyconf.errors import error_text

if TYPE_CHECKING:
    import logging

__all__ = [
    "LegacyDict",
    "UnpopulatedError",
    "cfg",
    "get",
    "get_padded_size",
    "get_padding_size",
    "is_populated",
    "is_sealed",
    "params",
    "print_params",
    "require_populated",
    "seal",
    "set",
    "unseal",
    "validate",
    "writer",
]


DEFAULTS: dict[str, Any] = {
    "N": 128,
    "offset": 4,
    "gridsize": 2,
    "outer_offset_train": None,
    "outer_offset_test": None,
    "batch_size": 16,
    "nepochs": 60,
    "n_filters_scale": 2,
    "output_prefix": "outputs",
    "big_gridsize": 10,
    "max_position_jitter": 10,
    "sim_jitter_scale": 0.0,
    "default_probe_scale": 0.7,
    "mae_weight": 0.0,
    "nll_weight": 1.0,
    "tv_weight": 0.0,
    "realspace_mae_weight": 0.0,
    "realspace_weight": 0.0,
    "nphotons": 1e9,
    "nimgs_train": 9,
    "nimgs_test": 3,
    "data_source": "generic",
    "probe.trainable": False,
    "intensity_scale.trainable": False,
    "positions.provided": False,
    "object.big": True,
    "probe.big": False,
    "probe_scale": 10.0,
    "set_phi": False,
    "probe.mask": True,
    "pad_object": True,
    "model_type": "pinn",
    "label": "",
    "size": 392,
    "amp_activation": "sigmoid",
    "h5_path": "wts.h5",
    "npseed": 42,
    "debug": True,
    "gaussian_smoothing_sigma": 0.0,
    "use_xla_translate": True,
}
DATA_SOURCES = ("lines", "grf", "experimental", "points", "testimg", "diagonals", "xpp", "V", "generic")
WRITABLE_WHEN_SEALED = frozenset({"intensity_scale", "probe", "timestamp"})
_PLUMBING = frozenset(
    {
        "ptycho.params",
        "ptycho.settings.legacy_dict",
        "ptycho.settings.call_site",
        "ptycho.settings.legacy",
        "ptycho.config.config",
        "ptycho.settings.training",
        "ptycho.settings.inference",
        "ptycho.run.settings",
        "ptycho.workflows.backend_selector",
        "ptycho.clients.backend_selector",
        "ptycho.workflows.components",
        "ptycho.clients.components",
        "ptycho.clients.saved_network",
        "ptycho.clients.training",
        "ptycho_torch.config_factory",
        "ptycho_torch.config_payload",
        "ptycho_torch.workflows.components",
    }
)


class UnpopulatedError(RuntimeError):
    """A data helper would have read defaults that no configuration had replaced."""


def _logger() -> "logging.Logger":
    """Give the logger of the name that a contract fixes; logging costs 6 ms that only a warning pays."""
    import logging

    return logging.getLogger("ptycho.params")


class LegacyDict(dict[str, Any]):
    """A dict that knows who wrote each key, whether a configuration populated it, and whether it is sealed.

    Copies and pickles are plain dicts: the knowledge belongs to the one dict that the process shares.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._writers: dict[str, tuple[str, int]] = {}
        self.populated = False
        self.sealed = False

    def __setitem__(self, key: str, value: Any) -> None:
        self._write({key: value})

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Write `default` where the key is missing, and give back what stands there."""
        if key not in self:
            self._write({key: default})
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Write many keys in the name of one caller."""
        self._write(dict(*args, **kwargs))

    def __ior__(self, other: Any) -> "LegacyDict":  # type: ignore[override,misc]
        self._write(dict(other))
        return self

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._writers.pop(key, None)

    def pop(self, key: str, *default: Any) -> Any:
        """Take a key out, with the memory of its writer."""
        self._writers.pop(key, None)
        return super().pop(key, *default)

    def popitem(self) -> tuple[str, Any]:
        """Take the last key out, with the memory of its writer."""
        key, value = super().popitem()
        self._writers.pop(key, None)
        return key, value

    def clear(self) -> None:
        """Empty the dict; it counts as unpopulated from here on."""
        super().clear()
        self._writers.clear()
        self.populated = False

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)

    def populate(self, values: Mapping[str, Any]) -> None:
        """Write a configuration and mark the dict populated; sealed, one warning names what changes."""
        place = call_site(_PLUMBING)
        if self.sealed:
            changed = [key for key, value in values.items() if key not in self or self[key] != value]
            if changed:
                before = sorted({self.writer(key) or "its default" for key in changed})
                _logger().warning(
                    "post-seal update of params.cfg at %s:%d (changed: %s; written before at %s)",
                    *place,
                    ", ".join(changed),
                    ", ".join(before),
                )
        self._store(values, place)
        self.populated = True

    def writer(self, key: str) -> str | None:
        """Name the file:line that wrote a key last; None for a default that nobody touched."""
        place = self._writers.get(key)
        return None if place is None else f"{place[0]}:{place[1]}"

    def _write(self, values: Mapping[str, Any]) -> None:
        place = call_site(_PLUMBING)
        if self.sealed:
            self._warn_sealed(values, place)
        self._store(values, place)

    def _store(self, values: Mapping[str, Any], place: tuple[str, int]) -> None:
        super().update(values)
        self._writers.update(dict.fromkeys(values, place))

    def _warn_sealed(self, values: Iterable[str], place: tuple[str, int]) -> None:
        for key in values:
            if key not in WRITABLE_WHEN_SEALED:
                _logger().warning(
                    "post-seal write of params.cfg[%r] at %s:%d (written before at %s)",
                    key,
                    *place,
                    self.writer(key) or "its default",
                )


cfg = LegacyDict(DEFAULTS)
_NOTHING: Any = object()


def get(key: str, default: Any = _NOTHING) -> Any:
    """Read a key; 'bigN', the side of a group's canvas in px, is computed.

    Args:
        key: What to read.
        default: What to give where the key is not there; left out, that is an error.

    Raises:
        KeyError: The key is not there, and no default is given.
    """
    try:
        if key == "bigN":
            return cfg["N"] + (cfg["gridsize"] - 1) * _geometry("offset")
        return cfg[key]
    except KeyError:
        if default is _NOTHING:
            raise
        return default


def set(key: str, value: Any) -> None:  # noqa: A001  The name is a public contract.
    """Write a key after checking that the dict stays consistent; a refused value changes nothing.

    Raises:
        AssertionError: What `validate` says about the dict with this value in it.
    """
    _check({**cfg, key: value})
    cfg[key] = value


def params() -> dict[str, Any]:
    """Copy the whole dict, with the computed 'bigN' added where there is an N to compute it from."""
    return {**cfg, "bigN": get("bigN")} if {"N", "gridsize"} <= cfg.keys() else dict(cfg)


def validate() -> None:
    """Check the keys that are present.

    Raises:
        AssertionError: Unknown data source, or a real-space MAE weight without a real-space weight.
    """
    _check(cfg)


def get_padding_size() -> int:
    """Give the px that a group's offsets and the position jitter add to a patch."""
    return int((cfg["gridsize"] - 1) * _geometry("offset") + _geometry("max_position_jitter"))


def get_padded_size() -> int:
    """Give the side in px of a group's canvas with room for the position jitter."""
    return int(get("bigN") + _geometry("max_position_jitter"))


def print_params() -> None:
    """Write every key, its value and its writer to standard output, arrays as shape and dtype."""
    for key in sorted(cfg):
        value = cfg[key]
        shown = f"array {value.shape} {value.dtype}" if hasattr(value, "dtype") else repr(value)
        written_in = cfg.writer(key)
        sys.stdout.write(f"{key} = {shown}" + (f"   # {_short(written_in)}\n" if written_in else "\n"))


def seal() -> None:
    """Let every later write of a key outside intensity_scale, probe, timestamp be logged as a warning."""
    cfg.sealed = True


def unseal() -> None:
    """Take writes without a word again."""
    cfg.sealed = False


def is_sealed() -> bool:
    """Tell whether the dict is sealed."""
    return cfg.sealed


def is_populated() -> bool:
    """Tell whether a configuration has populated the dict since it was made or cleared."""
    return cfg.populated


def writer(key: str) -> str | None:
    """Name the file:line that wrote a key last; None for a default that nobody touched."""
    return cfg.writer(key)


def require_populated(reader: str, *keys: str) -> None:
    """Refuse to read `cfg` before a configuration populated it (CONFIG-001).

    Args:
        reader: The function that wants to read, as its caller knows it.
        keys: What it wants to read. Keys that were written one by one count as populated.

    Raises:
        UnpopulatedError: A key still has the default of the module, or is missing.
    """
    if cfg.populated or (keys and all(cfg.writer(key) for key in keys)):
        return
    wanted = ", ".join(repr(key) for key in keys) or "it"
    raise UnpopulatedError(
        error_text(
            f"CONFIG-001: {reader} would read {wanted} from params.cfg, which no configuration has populated",
            expected="update_legacy_dict(params.cfg, config) before any data helper",
            hint="from ptycho.config.config import update_legacy_dict; "
            "update_legacy_dict(params.cfg, config)",
        )
    )


def _geometry(key: str) -> int:
    """Read a length in px that no configuration holds: one that was cleared away has its default."""
    return int(cfg.get(key, DEFAULTS[key]))


def _check(values: Mapping[str, Any]) -> None:
    source = values.get("data_source", "generic")
    if source not in DATA_SOURCES:
        raise AssertionError(f"Invalid data source: {source!r}; expected one of {sorted(DATA_SOURCES)}")
    if (values.get("realspace_mae_weight") or 0.0) > 0 and not (values.get("realspace_weight") or 0.0) > 0:
        raise AssertionError(
            f"realspace_mae_weight = {values['realspace_mae_weight']!r} needs realspace_weight > 0, "
            f"got {values.get('realspace_weight')!r}"
        )


def _short(place: str) -> str:
    path, _, line = place.rpartition(":")
    folder = Path.cwd()
    return f"{Path(path).relative_to(folder)}:{line}" if Path(path).is_relative_to(folder) else place
