"""What a program declares about its settings: Setting, Policy, Derivation, Rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ptyconf.arguments import expect, expect_one_of, misuse
from ptyconf.errors import Complaint, SchemaError
from ptyconf.schema.fields import UNSET
from ptyconf.schema.path import matches, split_path
from ptyconf.schema.view import Conversion

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution

Strategy = Literal["replace", "append", "union", "deep"]
STRATEGIES = ("replace", "append", "union", "deep")
Check = Callable[[Any], "str | Complaint | None"]


def _strings(value: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@dataclass(frozen=True, eq=False)
class Setting:
    """One value that can be set; what is left out here is read off the classes.

    Args:
        path: Dotted path, ``model.gridsize``; ``*`` stands for one key or index, ``replicas.*.port``.
        type: Its type; a class attribute's annotation if left out.
        default: Its default; the class's if left out.
        help: One line that says what it does.
        unit: Unit of the value, "" for none.
        aliases: Other full keys under which it may be written.
        deprecated: The same, with a DeprecationWarning that names the place and the new name.
        choices: The legal values; a live collection, such as a Registry, is asked each time.
        merge: How layers combine: replace, append, union or deep (key by key; the way of tables).
        secret: Whether its value is masked everywhere.
        nonfinite: Whether NaN and infinities are legal.
        required: True, or the first line of the error, when some layer must set it.
        check: Says what is wrong with the winning value, or None.
        conversion: Other spellings of the value, translated before type and choices are looked at.
        inert_default: Whether the default only stands for "not set": a dump writes it as a comment, so that
            loading the dump does not turn it into a value that somebody set.
        env: Name of a variable of its own, besides the one below the program's prefix: ``DATABASE_URL``.
        text: What separates the elements of a list in the environment and in flags: ``","``.
        metadata: What else the class's field carries.
    """

    path: str
    type: Any = UNSET
    default: Any = field(default=UNSET, repr=False)  # may be a secret
    help: str = field(default="", kw_only=True)
    unit: str = field(default="", kw_only=True)
    aliases: tuple[str, ...] = field(default=(), kw_only=True)
    deprecated: tuple[str, ...] = field(default=(), kw_only=True)
    choices: Collection[Any] = field(default=(), kw_only=True)
    merge: Strategy = field(default=UNSET, kw_only=True)
    secret: bool = field(default=False, kw_only=True)
    nonfinite: bool = field(default=False, kw_only=True)
    required: bool | str = field(default=False, kw_only=True)
    check: Check | None = field(default=None, kw_only=True)
    conversion: Conversion | None = field(default=None, kw_only=True)
    inert_default: bool = field(default=False, kw_only=True)
    env: str = field(default="", kw_only=True)
    text: str = field(default="", kw_only=True)
    metadata: Mapping[str, Any] = field(default_factory=dict, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        expect("Setting", "path", self.path, str, "a dotted path", '"model.gridsize"')
        self._look_at({name: value for name, value in vars(self).items() if value is not _PLAIN.get(name)})

    def _look_at(self, words: Mapping[str, Any]) -> None:
        """Refuse what cannot be said of a setting; single names and lists become tuples."""
        for name, said in words.items():
            kinds, expected = _WORDS.get(name, (object, ""))
            if not isinstance(said, kinds) or (name == "choices" and isinstance(said, str)):
                raise misuse(repr(self.path), name, said, expected)
        merge = words.get("merge", UNSET)
        if merge is not UNSET and merge not in STRATEGIES:
            raise SchemaError(f"{self.path!r}: merge is {merge!r}; expected one of {', '.join(STRATEGIES)}")
        for name in ("aliases", "deprecated"):
            if words.get(name, ()).__class__ is not tuple:
                object.__setattr__(self, name, _strings(words[name]))
            if not all(isinstance(key, str) for key in words.get(name, ())):
                raise SchemaError(f"{self.path!r}: {name} are full keys, {self.path!r} is one")
        if isinstance(words.get("choices"), (list, set, frozenset, dict)):
            object.__setattr__(self, "choices", tuple(self.choices))

    def changed(self, **changes: Any) -> Setting:
        """Give a copy with some of its words changed: as dataclasses.replace, at a tenth of its cost."""
        made = object.__new__(type(self))
        vars(made).update(vars(self), **changes)
        made._look_at(changes)
        return made

    @property
    def restricted(self) -> bool:
        """Whether a check or choices look at its value; a live collection is not asked for its length."""
        return self.check is not None or self.choices != ()

    @property
    def section(self) -> str:
        """All of the path but its last name."""
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The last name of the path."""
        return self.path.rpartition(".")[2]


_TEXT = (str, "text")
_SWITCH = (bool, "True or False")
_KEYS = ((str, tuple, list), "a tuple of full keys")
_WORDS: dict[str, tuple[Any, str]] = {
    "help": _TEXT,
    "unit": _TEXT,
    "env": _TEXT,
    "text": _TEXT,
    "aliases": _KEYS,
    "deprecated": _KEYS,
    "secret": _SWITCH,
    "nonfinite": _SWITCH,
    "inert_default": _SWITCH,
    "required": ((bool, str), "True, or the first line of the error"),
    "check": ((Callable, type(None)), "a function of the value"),
    "choices": (Collection, "a collection of the legal values"),
    "conversion": ((Conversion, type(None)), "a Conversion"),
}
_PLAIN: dict[str, Any] = {item.name: item.default for item in fields(Setting)}


class Policy(NamedTuple):
    """A layer is passed over for one setting, with the reason.

    Args:
        path: A dotted path, in which ``*`` stands for one key or index; ``section.*`` is all below it.
        layer: Name of the layer.
        reason: Why, for the trace.
        label: Only the source with this label, where several stand in the layer.
    """

    path: str
    layer: str
    reason: str
    label: str = ""

    def covers(self, path: str) -> bool:
        """Tell whether the policy speaks of this setting."""
        start, star, _ = self.path.partition("*")
        if not star or path == self.path:
            return path == self.path
        if not path.startswith(start.rstrip(".")) and not {'"', "'"} & {*start}:
            return False
        if self.path.endswith(".*") and path.startswith(self.path[:-1]):
            return True
        pattern, segments = split_path(self.path), split_path(path)
        if pattern[-1] == "*" and len(segments) > len(pattern):
            segments = segments[: len(pattern)]
        return matches(pattern, segments)


@dataclass(frozen=True, eq=False)
class Derivation:
    """A setting that follows from others.

    Args:
        target: Path of the derived setting.
        inputs: Paths of the settings that it follows from.
        function: Takes the input values in order, gives the value.
        reason: Why, for the trace.
        when: "always", or "missing": only where no layer has a value other than None.
        name: What the trace calls the function.
    """

    target: str
    inputs: tuple[str, ...]
    function: Callable[..., Any]
    reason: str = field(default="", kw_only=True)
    when: Literal["always", "missing"] = field(default="always", kw_only=True)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        call = f"Derivation of {self.target!r:.60}"
        expect("Derivation", "target", self.target, str, "the path of a setting")
        expect(call, "inputs", self.inputs, (str, tuple, list), "a tuple of paths")
        expect(call, "function", self.function, Callable, "a function of the inputs")
        expect_one_of(call, "when", self.when, ("always", "missing"))
        object.__setattr__(self, "inputs", _strings(self.inputs))

    @property
    def shown(self) -> str:
        """Name of the function for people."""
        return self.name or getattr(self.function, "__name__", type(self.function).__name__)


@dataclass(frozen=True, eq=False)
class Rule:
    """A condition across settings.

    Args:
        paths: The settings of which it speaks.
        check: Sees the whole resolution and says what is wrong, or None.
        name: What the condition is called.
        when: "always", or "written": only where a layer above the defaults has one of the paths.
    """

    paths: tuple[str, ...]
    check: Callable[[Resolution], str | Complaint | None]
    name: str = field(default="", kw_only=True)
    when: Literal["always", "written"] = field(default="always", kw_only=True)

    def __post_init__(self) -> None:
        expect("Rule", "paths", self.paths, (str, tuple, list), "a tuple of paths")
        expect("Rule", "check", self.check, Callable, "a function of the resolution")
        expect_one_of("Rule", "when", self.when, ("always", "written"))
        object.__setattr__(self, "paths", _strings(self.paths))
