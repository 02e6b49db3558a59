"""What the code of a class makes of the settings that it is given: nobody assigned that later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptyconf.merge.assigned import OWN_VALUES, UNCHANGED, Comparison
from ptyconf.merge.built import Built, built_of
from ptyconf.schema.fields import UNSET
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.view import View, copied

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution


def remember_own(resolution: Resolution, view: View[Any], instance: Any) -> None:
    """Note what the code of its class made of an instance's settings: nobody assigned that later."""
    built = built_of(instance)
    if built is None:
        return
    own: dict[str, Any] = {}
    values = resolution._state.values  # noqa: SLF001  The two halves of one thing.
    comparison = Comparison(resolution)
    for attribute, name, path in view.held():
        now = getattr(instance, name)
        if path is not None and now is values.get(path, UNSET):
            continue  # as nearly always: it is what the setting has
        place = place_of(built, attribute)
        if join_path(place) in resolution:
            change = comparison.of_attribute(attribute, now, place)
            if change.parts is not UNCHANGED:
                own[name] = _snapshot(now)
    if own:
        OWN_VALUES.put(instance, own)


def _snapshot(value: Any) -> Any:
    """Copy a value, so that a change inside it shows later; what cannot be copied is known by identity."""
    try:
        return copied(value)
    except Exception:  # noqa: BLE001  The program's own object.
        return value


def place_of(built: Built, attribute: Any) -> Segments:
    """Give the path of the setting that an attribute of an instance holds."""
    if attribute.slot is not None:
        return (*built.at, attribute.argument)
    return split_path(attribute.bind.path)
