"""What a settings file has for a setting, as it stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptyconf.schema.path import Segments, join_path

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution


def written_in_file(resolution: Resolution, at: Segments) -> Any:
    """Give what the file of a setting's winner has for it, as it stands; None where no file wrote it."""
    state, path = resolution._state, join_path(at)  # noqa: SLF001  The halves of one room.
    winner = next((source for source, _ in resolution._places().written(path)), None)  # noqa: SLF001
    own = id(state.schema)
    layer = next((layer for layer in state.layers if layer.values_by_schema.get(own) is winner), None)
    if winner is None or layer is None or layer.folder is None:
        return None
    raw: Any = layer.values
    for key in winner.keys(path):
        try:
            raw = raw[key]
        except (KeyError, IndexError, TypeError):
            return None
    return raw
