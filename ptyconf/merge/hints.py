"""How what is wrong is put into words: names as a source spells them, near misses, and what to try."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.origin import Origin, shown_path
from ptyconf.schema.chosen import examples_of
from ptyconf.schema.fields import UNSET
from ptyconf.schema.free import read_texts
from ptyconf.schema.index import Alias, environment_name
from ptyconf.schema.kind import Mismatch, parse_toml
from ptyconf.schema.path import join_path, split_path
from ptyconf.schema.tree import Section, Slot, holds_secret
from ptyconf.text.show import (
    MASK,
    close_matches,
    dotted_key,
    json_text,
    nested_text,
    one_word,
    show,
    toml_text,
    without_secrets,
)

if TYPE_CHECKING:
    from ptyconf.merge.layer import Layer
    from ptyconf.schema.schema import Schema

KNOWN_SHOWN = 8
NONE_WORD = toml_text(None)
_NO_VALUE = rf"(?<![\w-]){NONE_WORD}(?![\w-]| =)"  # before a sign of equality it is a key
_WORDS = rf'"(?:[^"\\]|\\.)*"|({_NO_VALUE}|\.\.\.|{re.escape(MASK)})'
LIKE = 0.7  # of a name in another section, which is a slip less often than one in its own


class Hints:
    """The words for what is wrong with one layer."""

    def __init__(self, layer: Layer, schema: Schema, sections: tuple[str, ...]) -> None:
        self.layer = layer
        self.schema = schema
        self.index = schema.index
        self.secret_names = schema.secret_names
        self.sections = sections

    def shown_name(self, keys: Keys, *, quoted: bool = False) -> str:
        """Spell the keys of a source as a dotted path, a TOML key with its quotes."""
        if self.layer.kind == "environment":
            return ".".join([str(keys[0]).lower().replace("__", "."), *map(str, keys[1:])])
        if quoted and self.layer.kind in {"toml", "json", "yaml"}:
            return dotted_key(keys)
        return ".".join(str(key) for key in keys)

    def inside(self, section: str) -> dict[str, None]:
        """List the names that a section has."""
        node = self.index.tree
        for part in section.split(".") if section else ():
            inner = node.get(part)
            if not isinstance(inner, dict):
                break
            node = inner
        return dict.fromkeys(key for key, entry in node.items() if not isinstance(entry, tuple))

    def near(self, name: str, value: Any, keys: Keys) -> list[str]:
        """Find the keys that a written one was probably meant to be, those of its own section first.

        Of several, one whose type takes the value comes first; one of another section must take it.
        """
        section, _, last = name.rpartition(".")
        if not last or "[" in name:  # in a list, of which no single element is written
            return []
        same = key_but_for_signs(self.schema, name)
        if same is not None:
            return [same]
        unset = bool(keys) and keys[0] in ("unset", "replace") and value is None

        def takes(key: str) -> bool:
            return unset or self.takes(key, value)

        siblings = {
            key.rpartition(".")[2]: key for key in self.index.keys if key.rpartition(".")[0] == section
        }
        similar = [siblings[name] for name in close_matches(last, siblings)]
        if similar:
            return sorted(similar, key=lambda key: not takes(key))
        elsewhere = [*self.index.bare.get(last, ())[:1]] or [
            key
            for key in close_matches(name, self.index.keys)
            if _likeness(key, name) >= LIKE or key.rpartition(".")[0] == section
        ]
        if not elsewhere:
            names = {key.rpartition(".")[2]: key for key in self.index.keys}
            likely = [each for each in close_matches(last, names) if _likeness(each, last) >= LIKE]
            elsewhere = [names[each] for each in likely]
        return [key for key in elsewhere if takes(key)]

    def near_members(self, sections: Iterable[Section], name: str, value: Any) -> list[str]:
        """Find the members that a name was probably meant to be, one that takes the value first."""
        members = {key: slot for section in sections for key, slot in section.members.items()}
        same = {
            without_signs(each): attribute.argument
            for section in sections
            for attribute in section.view.attributes
            for each in (attribute.name, attribute.argument)
        }
        meant = same.get(without_signs(name))
        near = [meant] if meant is not None else close_matches(name, members)
        return sorted(near, key=lambda key: not self.fits(members[key], value))

    def takes(self, key: str, value: Any) -> bool:
        """Tell whether what a key means takes a value as it is written."""
        meant = self.index.find(key, self.sections)
        return not isinstance(meant, Slot) or self.fits(meant, value)

    def fits(self, slot: Slot, value: Any) -> bool:
        """Tell whether a setting takes a value as it is written; one that holds or translates others may."""
        if slot.node is not None or slot.setting.conversion is not None:
            return True
        try:
            text = self.layer.text and isinstance(value, str)
            slot.kind.text(value) if text else slot.kind.typed(value)
        except Exception:  # noqa: BLE001  Mismatches, and what the program's kinds and hooks raise.
            return False
        return True

    def suggestion(self, near: list[str], section: str, value: Any, keys: Keys) -> str:
        """Write what was probably meant, in the spelling of the source; hide what may be a secret."""
        key = near[0]
        if keys and keys[0] in ("unset", "replace") and value is None:
            return spell(self.layer.kind, str(keys[0]), f"[{toml_text(key)}]")
        meant = self.index.find(key, self.sections)
        slot = meant if isinstance(meant, Slot) else None  # another name may have another type
        if any(self.is_secret(name) for name in near):
            text = self.shown(value, secret=True)
        else:
            text = self.fitting(slot, value)
        return self.written(keys, key, key.removeprefix(f"{section}."), text)

    def fitting(self, slot: Slot | None, value: Any) -> str:
        """Write a value as it was written where a setting takes it, else one that the setting has."""
        if slot is not None and not self.fits(slot, value):
            return example_of(slot) or "..."
        return self.shown(value, secret=slot is not None and holds_secret(slot))

    def shown(self, value: Any, *, secret: bool) -> str:
        """Write a value as it was written, for what was probably meant: briefly, and no secret."""
        if secret:
            return MASK
        value = without_secrets(value, self.secret_names)
        text = value if isinstance(value, str) and self.layer.text else toml_text(value)
        return "..." if isinstance(value, Mapping) or len(text) > 60 else text

    def written(self, keys: Keys, path: str, name: str, text: str) -> str:
        """Write what is meant as the source would: a variable or a flag by its path, else by name."""
        if self.layer.kind in {"environment", "flag"}:
            return assignment(self.layer.kind, self.layer.origins, keys, text, path)
        return spell(self.layer.kind, name, text)

    def inside_any(self, name: str, value: Any, keys: Keys) -> str:
        """Write a key below a setting of any value as the text of the whole; "" where there is no such."""
        slot, below = self.index.holder(split_path(name)) or (None, ())
        if slot is None or not slot.takes_any:
            return ""
        whole = without_secrets(read_texts(value) if self.layer.text else value, self.secret_names)
        shown = show(whole, secret=slot.setting.secret)
        return self.written(keys, slot.path, slot.path, nested_text(below, shown))

    def in_list(self, name: str, value: Any, keys: Keys) -> str:
        """Write a place in the first element of a list as the list; "" where there is no such."""
        segments = split_path(name)
        slot = self.schema.find_slot(name)
        if slot is None or 0 not in segments or not self.fits(slot, value):
            return ""
        at = segments.index(0)
        path = join_path(segments[:at])
        text = self.shown(value, secret=holds_secret(slot))
        return self.written(keys, path, path, f"[{nested_text(segments[at + 1 :], text)}]")

    def section_meant(self, keys: Keys) -> str:
        """Write the section that a table of an unknown name was probably meant to be, "" for none."""
        node: Any = self.index.tree
        for key in keys[:-1]:
            node = node.get(key) if isinstance(node, dict) else None
        names = (
            [key for key, entry in node.items() if isinstance(entry, dict)] if isinstance(node, dict) else []
        )
        near = close_matches(str(keys[-1]), names, count=1)
        path = dotted_key((*keys[:-1], *near)) if near else ""
        if not path:
            return ""
        return spell(self.layer.kind, near[0], "...") if self.layer.kind in {"json", "yaml"} else f"[{path}]"

    def is_secret(self, key: str) -> bool:
        """Tell whether a key means a secret setting."""
        meant = self.index.find(key, self.sections)
        return isinstance(meant, (Slot, Alias)) and holds_secret(self.index.slots[meant.path])

    def correct_variable(self, fault: Fault) -> Fault:
        """Suggest the variable that was meant where an underscore was missed, if the schema has it."""
        prefix, _, rest = fault.hint.partition("__")
        meant = {key.replace("__", "_"): key for key in self.index.environment}
        key = meant.get(rest.upper().replace("__", "_"))
        return fault if key is None else fault._replace(hint=f"{prefix}__{key}")


def key_but_for_signs(schema: Schema, name: str) -> str | None:
    """Find the key that a written one is but for signs and case, or by the name of its attribute."""
    named = _attribute_names(schema)
    known = {without_signs(key): named.get(key, key) for key in (*named, *schema.index.keys)}
    return known.get(without_signs(name))


def _attribute_names(schema: Schema) -> dict[str, str]:
    """Give the setting of each attribute that is written under another name than its own, by that."""
    return {
        f"{attribute.bind.path.removesuffix(attribute.argument)}{attribute.name}": attribute.bind.path
        for view in schema.views
        for attribute in view.own
        if attribute.name != attribute.argument and attribute.bind.path.endswith(attribute.argument)
    }


def without_signs(key: str) -> str:
    """Write a key without signs and case, as slips of either leave it."""
    return re.sub(r"[\W_]", "", key).casefold()


def _likeness(one: str, other: str) -> float:
    import difflib

    return difflib.SequenceMatcher(None, one.casefold(), other.casefold()).ratio()


def assignment(kind: str, origins: Callable[[Keys], Origin], keys: Keys, text: str, key: str = "") -> str:
    """Write a setting with a value as a source of this kind would."""
    if kind == "environment":
        origin = origins(keys)
        written = origin.key
        if key or written.endswith(keys[0]):  # else it is a variable of its own name
            prefix = written[: len(written) - len(keys[0])]
            written = f"{prefix}{environment_name(key) if key else keys[0]}"
        if origin.kind == "secret file":
            return f"{_bare(text)} in the file {_file_of(origin, written)}"
        return f"{written}={one_word(_bare(text))}"
    if kind == "flag":
        written = origins(keys).key
        if key:
            written = ("--set " if written.startswith("--set ") else "--") + key
        return f"{written}{'=' if ' ' in written else ' '}{one_word(_bare(text))}"  # --set PATH=VALUE
    return spell(kind, keys[-1].rpartition(".")[2], text)


def spell(kind: str, key: str, text: str) -> str:
    """Write a key and its value as a file of a kind does; TOML where it is no file."""
    if kind not in {"json", "yaml"}:
        name = key if "[" in key else dotted_key(split_path(key))
        return f"{name} = {text}"
    *sections, last = (
        str(segment) if kind == "yaml" and re.fullmatch(r"[\w-]+", str(segment)) else toml_text(str(segment))
        for segment in split_path(key)
    )
    spelled = f"{last}: {_in_json(text)}"
    for section in reversed(sections):
        spelled = f"{section}: {{{spelled}}}"
    return spelled


def _in_json(text: str) -> str:
    """Write what TOML says as JSON does, which is YAML, too; words that stand for a value stay words."""
    marked = re.sub(_WORDS, lambda word: word[0] if word[1] is None else f'"\\u0001{word[1]}"', text)
    try:
        spelled = json_text(parse_toml(marked, ""))
    except Mismatch:
        return text
    return re.sub(r'"\\u0001([^"]*)"', lambda word: {NONE_WORD: "null"}.get(word[1], word[1]), spelled)


def _file_of(origin: Origin, name: str) -> str:
    """Name the file of a folder of secrets that would hold a setting."""
    written = Path(origin.file or "")
    if name != origin.key:  # in the folder itself, spelled as the other is
        own = written.name.replace(".", "__")
        folders = origin.key[: -len(own)].count("__") if origin.key.endswith(own) else 0
        written = written.parents[folders] / (name.lower() if written.name.islower() else name)
    return shown_path(str(written))


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def example_of(slot: Slot) -> str:
    """Give a value that would be right, as an example; "" where none is known."""
    setting = slot.setting
    for value in examples_of(slot) if setting.choices else (setting.default,):
        if value is UNSET or value is None:
            return ""
        if slot.node is not None:
            return "" if value else toml_text(value)
        try:
            return toml_text(slot.kind.toml(slot.kind.typed(value)))
        except Exception:  # noqa: BLE001  The program's kinds; a default that its own type does not allow.
            continue
    return ""


def list_known(names: list[str], first: list[str] | None = None) -> str:
    """List known names, the likely ones first, and count the rest."""
    if len(names) > KNOWN_SHOWN:
        likely = [name for name in first or () if name in names]
        names = [*likely, *(name for name in names if name not in likely)]
        return f"{', '.join(names[:KNOWN_SHOWN])} and {len(names) - KNOWN_SHOWN} more"
    return ", ".join(names)
