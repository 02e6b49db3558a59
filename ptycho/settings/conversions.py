"""Other spellings of a setting's value: those of the torch side, and those that TOML has no word for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ptycho.settings.choices import AMPLITUDE_ACTIVATIONS
from ptyconf import Conversion

_MODES = {"Unsupervised": "pinn", "Supervised": "supervised"}
_LOSSES = {"Poisson": "poisson", "MAE": "mae"}
_SILU = {"silu": "swish", "SiLU": "swish"}
_ACTIVATIONS = sorted({*_SILU, *AMPLITUDE_ACTIVATIONS})


def _side(pair: Any) -> Any:
    if not isinstance(pair, (tuple, list)):
        return pair
    if len(pair) != 2 or pair[0] != pair[1]:
        raise ValueError(f"Non-square grids not supported by TensorFlow backend: {tuple(pair)!r}")
    return pair[0]


def _translate(names: Mapping[str, str], wrong: str) -> Callable[[Any], Any]:
    known = {*names, *names.values()}

    def to_setting(value: Any) -> Any:
        if not isinstance(value, str) or value not in known:
            raise ValueError(wrong.format(v=value))
        return names.get(value, value)

    return to_setting


def _back(names: Mapping[str, str]) -> Callable[[Any], Any]:
    reverse = {setting: target for target, setting in reversed(list(names.items()))}
    return lambda value: reverse.get(value, value)


def _activation(value: Any) -> Any:
    if value not in _ACTIVATIONS:
        raise ValueError(f"Unknown activation '{value}'. Supported values: {_ACTIVATIONS}")
    return _SILU.get(value, value)


def _mask(value: Any) -> bool:
    return value if isinstance(value, bool) else value is not None


def _weight(value: Any) -> Any:
    return float(value) if isinstance(value, bool) else value


SQUARE = Conversion("(g, g) <-> g", _side, lambda g: (g, g), type=tuple[int, int])
MODE = Conversion(
    "Unsupervised <-> pinn, Supervised <-> supervised",
    _translate(_MODES, "Invalid mode '{v}'. Must be 'Unsupervised' or 'Supervised'."),
    _back(_MODES),
    type=str,
)
ACTIVATION = Conversion("silu <-> swish", _activation, _back(_SILU), type=str)
MASK = Conversion("array -> true, none -> false", _mask, lambda on: on, lossy="the array itself", type=Any)
LOSS = Conversion(
    "Poisson <-> poisson, MAE <-> mae",
    _translate(_LOSSES, "Invalid loss_function '{v}'. Must be 'Poisson' or 'MAE'."),
    _back(_LOSSES),
    type=str,
)
NLL = Conversion(
    "true <-> 1.0, false <-> 0.0",
    _weight,
    lambda weight: weight > 0,
    lossy="a weight between 0 and 1 becomes true",
    type=bool,
)
STRATEGY = Conversion(
    "none -> auto",
    lambda name: "auto" if name is None else name,
    lambda name: name,
    type=str | None,
)
TEXT_PATH = Conversion(
    "text <-> path",
    lambda text: None if text is None else Path(text),
    lambda path: None if path is None else str(path),
)
NO_LOGGER = Conversion("none -> no logger", lambda name: None if name == "none" else name, lambda name: name)
