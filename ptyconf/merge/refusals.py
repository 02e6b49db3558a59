"""What is wrong with one layer, noted in the words of its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.hints import Hints, assignment, example_of, list_known, spell
from ptyconf.schema.fields import hides_secret
from ptyconf.schema.given import all_views
from ptyconf.schema.index import AmbiguousKey
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.list_text import array_of_parts
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.tree import Choice, Section, Slot, holds_secret
from ptyconf.text.show import MASK, redact, show, toml_text, without_secrets, words_of

if TYPE_CHECKING:
    from ptyconf.merge.layer import Layer
    from ptyconf.merge.layer_values import LayerValues

SUGGESTED = 20  # looking for near misses is quadratic, so only the first unknown keys get one
KEPT_UNKNOWN = 1000  # each is a problem; the rest together are one more


class Refusals:
    """The faults of one layer, as they are found."""

    def __init__(self, layer_values: LayerValues, layer: Layer) -> None:
        self.layer = layer
        self.layer_values = layer_values
        self.schema = layer_values.schema
        self.index = self.schema.index
        self.sections = self.index.sections if layer.sections is None else layer.sections
        self.faults = list(layer_values.faults)
        self.notices: list[tuple[type[Warning], str]] = []
        layer_values.faults, layer_values.notices = self.faults, self.notices
        self.unknowns = 0
        self.further: Keys = ()

    @cached_property
    def hints(self) -> Hints:
        """The words for what is wrong."""
        return Hints(self.layer, self.schema, self.sections)

    def fault(self, text: str, path: str, keys: Keys, *, known: str = "", hint: str = "") -> None:
        """Note one thing that is wrong."""
        self.faults.append(Fault(text, path, keys, known=known, hint=hint))

    def refuse_twice(self, path: str, first: Keys, second: Keys) -> None:
        """Note a place of which the layer says two different things."""
        one, other = (self.layer.origins(keys).key for keys in (first, second))
        text = f"{path!r} is written twice with different values: as {one} and as {other}"
        self.fault(text, path, second, hint=f"keep one of {one} and {other}")

    def refer(self) -> None:
        """Note that a value of the layer refers to others."""
        self.layer_values.refers = True

    def finish(self) -> None:
        """Count the unknown settings that are not listed one by one."""
        if self.further:
            count = self.unknowns - KEPT_UNKNOWN
            text = f"{count} more unknown settings from here on"
            self.faults.append(Fault(text, keys=self.further, alike=count))

    def refuse_value(self, slot: Slot, value: Any, keys: Keys, mismatch: Mismatch, *, path: str = "") -> None:
        """Note a value that does not fit its type; ``path`` is the setting's, where it holds no own."""
        path = path or slot.path
        secret = holds_secret(slot)
        example = "" if mismatch.hint and not mismatch.at else example_of(slot)
        hint = example or mismatch.hint
        if self.layer.text and isinstance(value, str):
            hint = self._as_list(slot, value, hint)
        hint = "" if secret else hint
        chosen = secret and slot.node is None and "enum" in slot.kind.json_schema
        if chosen:  # a default among them is a secret
            mismatch = Mismatch("one of its choices", at=mismatch.at)
        text = mismatch.told(path, self.shown(value, secret=secret))
        written = keys if keys and isinstance(keys[-1], str) else (path,)  # an index, in a list
        self.faults.append(
            Fault(
                text,
                path,
                (*keys, *self.inside(mismatch)),
                hint=assignment(self.layer.kind, self.layer.origins, written, hint) if hint else "",
                example=written if hint and hint == example else (),
            )
        )

    def _as_list(self, slot: Slot, text: str, hint: str) -> str:
        """Write the elements of a list as its setting takes them; the hint where they are none."""
        separator = slot.setting.text
        if separator and separator in text:
            return separator.join(part for part in map(str.strip, text.split(separator)) if part) or hint
        return array_of_parts(self.schema.kinds, slot, text) or (
            "" if text.lstrip().startswith("[") else hint
        )

    def inside(self, mismatch: Mismatch) -> Segments:
        """Give the place of a misfit inside a value, where the source knows places."""
        return split_path(mismatch.at.lstrip(".")) if mismatch.at and self.layer.folder is not None else ()

    def refuse_words(
        self, slot: Slot, error: Exception, value: Any, keys: Keys, path: str, *, by_conversion: bool
    ) -> None:
        """Note what somebody's own code says against a value."""
        if isinstance(error, RecursionError):
            self.fault(f"{path!r} has tables or lists in each other too deep", path, keys)
            return
        secret = holds_secret(slot)
        words = own_words(error, value, secret=secret)
        if not (by_conversion and isinstance(error, ValueError)):  # whose words are the first line
            words = headline(path, self.shown(value, secret=secret), with_type(error, words))
        self.fault(words, path, keys)

    def refuse_ambiguous(self, keys: Keys, meant: AmbiguousKey) -> None:
        """Note a bare name that several settings have."""
        text = f"{'.'.join(str(key) for key in keys)!r} may mean {' or '.join(meant.keys)}"
        self.fault(text, "", keys, hint=f"write {meant.keys[0]}")

    def shown_section(self, path: str, value: Any) -> str:
        """Write what stands for a section, masked where that or its class has a secret at any depth."""
        slots = self.index.slots
        views = all_views(view for view in self.schema.views if view.section == path)
        bound = {bound for view in views for _, bound in view.places(())}
        secret = any(
            holds_secret(slot) for key, slot in slots.items() if key in bound or key.startswith(f"{path}.")
        )
        return self.shown(value, secret=secret)

    def shown(self, value: Any, *, secret: bool) -> str:
        """Write a value that is refused, masked where it or its own class has a secret."""
        return show(
            without_secrets(value, self.schema.secret_names), secret=secret or hides_secret(type(value))
        )

    def refuse_table(self, keys: Keys, value: Any, path: str) -> None:
        """Note a section that is no table."""
        name = self.hints.shown_name(keys, quoted=True)
        text = f"{name!r} is {self.shown_section(path, value)}; expected a table of settings"
        self.fault(text, name, keys, known=list_known(list(self.hints.inside(name))))

    def refuse_unknown(self, keys: Keys, value: Any, *, name: str = "") -> None:
        """Note a key that no setting has, with the names that it may have been meant to be."""
        if self.layer.unknown == "ignore":
            return
        if self.unknowns >= KEPT_UNKNOWN and self.layer.unknown == "error":
            self.unknowns += 1
            self.further = self.further or keys
            return
        raw = name or self.hints.shown_name(keys)
        name = name or self.hints.shown_name(keys, quoted=True)
        if keys and keys[0] in {"unset", "replace"} and self._refuse_whole_section(name, keys):
            return
        self.unknowns += 1
        near = self.hints.near(raw, value, keys) if self.unknowns <= SUGGESTED else []
        section = name.rpartition(".")[0] if name == raw else self.hints.shown_name(keys[:-1])
        hint = self.hints.suggestion(near, section, value, keys) if near else ""
        hint = self.hints.inside_any(raw, value, keys) or self.hints.in_list(raw, value, keys) or hint
        if isinstance(value, Mapping) and keys and self.layer.kind not in {"environment", "flag"}:
            hint = self.hints.section_meant(keys) or hint
        known = list_known(list(self.hints.inside(section)), [key.rpartition(".")[2] for key in near])
        self._tell_unknown(name, keys, known, hint)

    def _refuse_whole_section(self, name: str, keys: Keys) -> bool:
        """Note that a list of settings names a section that is always there, with the settings in it."""
        below = {path: slot for path, slot in self.schema.index.slots.items() if path.startswith(f"{name}.")}
        takes = [
            toml_text(path) for path, slot in below.items() if keys[0] == "replace" or slot.kind.optional
        ]
        if below:
            what = f"{keys[0]} takes the settings in it" if takes else "nothing in it may be none"
            hint = spell(self.layer.kind, keys[0], f"[{', '.join(takes)}]") if takes else ""
            text = f"{name!r} is a section that is always there; {what}"
            self.fault(text, name, keys, hint=hint)
        return bool(below)

    def refuse_member(
        self, section: Section | Choice, at: Segments, key: Any, value: Any, keys: Keys
    ) -> None:
        """Note a key that a section below a setting has not, with the names that it has."""
        if self.layer.unknown == "ignore":
            return
        self.unknowns += 1
        sections = section.sections if isinstance(section, Choice) else (section,)
        names = list(dict.fromkeys(name for section in sections for name in section.members))
        near = self.hints.near_members(sections, str(key), value) if self.unknowns <= SUGGESTED else []
        hint = ""
        if near:
            slot = next(section.members[near[0]] for section in sections if near[0] in section.members)
            text = MASK if holds_secret(slot) else self.hints.fitting(slot, value)
            hint = self.hints.written(keys, join_path((*at, near[0])), join_path((near[0],)), text)
        self._tell_unknown(join_path((*at, str(key))), keys, list_known(names, near), hint)

    def _tell_unknown(self, name: str, keys: Keys, known: str, hint: str) -> None:
        short = name if len(name) <= 80 else f"{name[:76]} ..."
        if self.layer.unknown == "warn":
            text = f"unknown setting {short!r}, written in {self.layer.origins(keys).where}"
            self.notices.append((UserWarning, f"{text}; {hint}" if hint else text))
        else:
            self.fault(f"unknown setting {short!r}", name, keys, known=known, hint=hint)


def headline(path: str, shown: str, words: str) -> str:
    """Give what somebody's own code says against a value, with the setting and the value."""
    named = re.search(rf"(?<!\w){re.escape(str(split_path(path)[-1]))}(?!\w)", words) if path else None
    return words if named and shown.strip('"') in words else f"{path!r} is {shown}: {words}"


def with_type(error: BaseException, words: str) -> str:
    """Name the type of an exception that no code raises to refuse a value."""
    name = type(error).__name__
    return words if isinstance(error, (ValueError, TypeError)) or words == name else f"{name}: {words}"


def own_words(error: BaseException, value: Any, *, secret: bool) -> str:
    """Give what an exception says: its first argument where that is text; of a secret only what is safe."""
    first = error.args[0] if error.args else ""
    text = first if isinstance(first, str) and first.strip() else words_of(error)
    if secret and len(words_of(value)) < 4:
        text = ""  # so short a secret stands in many a text by chance, so that masking it would show it
    text = redact(text, value, secret=secret)
    return text or type(error).__name__
