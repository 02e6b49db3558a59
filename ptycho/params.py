"""Door: The legacy settings dict, by the public name; the code is in `ptycho.settings.legacy_dict`."""

from ptycho.settings.legacy_dict import (
    LegacyDict,
    UnpopulatedError,
    cfg,
    get,
    get_padded_size,
    get_padding_size,
    is_populated,
    is_sealed,
    params,
    print_params,
    require_populated,
    seal,
    set,
    unseal,
    validate,
    writer,
)

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
