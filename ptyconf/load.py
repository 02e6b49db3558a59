"""One call for the common case: a class, its files, environment, flags and overrides give an instance."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ptyconf.arguments import expect, expect_each, expect_one_of
from ptyconf.errors import SchemaError
from ptyconf.merge.fault import Keys
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolution import Resolution
from ptyconf.merge.resolve import resolve
from ptyconf.schema.kind import Kind
from ptyconf.schema.of_class import schema_of
from ptyconf.schema.schema import Schema
from ptyconf.schema.view import View

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")
Files = str | os.PathLike[str]
DEFAULT = Precedence(
    "overrides", "flags", "environment", "secrets", "dotenv", "profile", "file", "included", "defaults"
)
"""What stands above what, high to low."""


def load(  # noqa: PLR0913  One call says where everything comes from.
    app: type[T] | Schema,
    *files: Files,
    env: str | None = None,
    flags: Sequence[str] | None = None,
    profile: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    dotenv: Files | None = None,
    secrets: Files | None = None,
    missing: Literal["error", "skip"] = "error",
    precedence: Precedence = DEFAULT,
    table: str = "",
    kinds: Iterable[Kind] = (),
    converter: Converter | None = None,
    references: bool = False,
) -> T:
    """Read the settings of a class from all the places where users write them.

    Args:
        app: A dataclass or attrs class; classes inside it are sections. Or a schema made of one with settings
            of its own, ``Schema("App", [View(App, "")], settings=[...])``.
        files: Settings files; a later one stands above an earlier one.
        env: Prefix of the environment's variables: ``APP`` reads ``APP__SERVER__PORT``, and what settings
            declare as variables of their own (``env="DATABASE_URL"``); "" reads those alone, None nothing.
        flags: The arguments of the command line, without the program's name; ``-h`` prints help.
        profile: Take ``[profile.NAME]`` of the files; else ``--profile NAME``, else ``PREFIX__PROFILE``.
        overrides: Values that stand above everything.
        dotenv: A file of ``NAME=text`` lines.
        secrets: A folder with one file for each secret.
        missing: Whether a file that is not there is an error, or passed over ("skip"); of files that it
            includes, the file says so: ``include = [{path = "own.toml", missing = "skip"}]``.
        precedence: What stands above what; layers that it does not name are refused.
        table: Table inside the files that holds the settings: ``tool.app``.
        kinds: The program's own kinds of values.
        converter: The program's cattrs converter with its structure hooks.
        references: Whether texts may refer to other values: ``${server.host}``, ``${env:HOME}``.

    Returns:
        An instance of the class; ``provenance_of`` has the story of every setting.

    Raises:
        ConfigError: Everything that is wrong, together.
        SchemaError: The class has a type that nobody can read.
    """
    _check_call(files, env, profile, overrides, missing, precedence, table)
    schema, app = _schema(app, kinds, converter, references=references)
    layers, asked = _flag_layers(schema, flags, app)
    profile, asked_by = _profile(profile, asked, env)
    if overrides is not None:
        from ptyconf.sources import mapping

        layers.append(mapping.layer("overrides", overrides, stacklevel=2))
    if env is not None:
        from ptyconf.sources import environment

        layers.append(environment.layer(env, schema=schema))
    elif unread := [name for name in schema.own_variables if name in os.environ]:
        warnings.warn(
            f"the environment has {', '.join(unread)}, which settings of {schema.name} declare, and is not "
            'read; write env="PREFIX", or env="" for such variables alone',
            UserWarning,
            stacklevel=2,
        )
    if dotenv is not None:
        from ptyconf.sources import dotenv as dotenv_source

        if env is None and not schema.own_variables:
            _warn_of_dotenv(dotenv)
        layers.append(dotenv_source.layer(dotenv, env or "", missing=missing, schema=schema))
    if secrets is not None:
        from ptyconf.sources import secrets as secret_files

        layers.append(secret_files.layer(secrets, missing=missing, schema=schema))
    if files:
        from ptyconf.sources import file

        layers += file.load_all(files, profile=profile, asked=asked_by, missing=missing, table=table)
    elif profile is not None:
        from ptyconf.sources.loading import missed_profile

        layers.append(Layer("profile", {}, _nowhere, faults=(missed_profile(profile, (), asked_by),)))
    return _built(resolve(schema, precedence, layers, stacklevel=2), app)


def _schema(
    app: type[T] | Schema, kinds: Iterable[Kind], converter: Converter | None, *, references: bool
) -> tuple[Schema, type[T]]:
    """Make the schema of a class, or find the class of a schema: that of the view without a section."""
    if not isinstance(app, Schema):
        return schema_of(app, kinds=kinds, converter=converter, references=references), app
    if tuple(kinds) or converter is not None or references:
        raise SchemaError("load was given a schema: kinds, converter and references are said to Schema(...)")
    roots = [view.target for view in app.views if not view.section]
    if len(roots) != 1:
        raise SchemaError(
            f"load makes an instance of one class; {app.name} has {len(roots)} views without a section: "
            'give one View(App, ""), or use resolve and build'
        )
    return app, roots[0]


def _warn_of_dotenv(dotenv: Files) -> None:
    text = f"no variable of {os.fspath(dotenv)!r} is read without their prefix"
    warnings.warn(f'{text}; write env="PREFIX", or declare variables for settings', UserWarning, stacklevel=3)


def _check_call(
    files: tuple[Any, ...], env: Any, profile: Any, overrides: Any, missing: Any, precedence: Any, table: Any
) -> None:
    """Refuse arguments of the wrong kind; the sources look at theirs themselves."""
    text = (str, type(None))
    for file in files:
        expect("load", "a file", file, (str, os.PathLike), "its path", "load(App, *files)")
    expect("load", "env", env, text, 'the prefix of the variables, "APP"')
    expect("load", "profile", profile, text, "the name of a profile")
    expect("load", "table", table, str, 'text, "tool.app"')
    expect("load", "overrides", overrides, (Mapping, type(None)), "a dict of settings")
    expect("load", "precedence", precedence, Precedence, "a Precedence", 'Precedence("flags", "file")')
    expect_one_of("load", "missing", missing, ("error", "skip"))


def _profile(given: str | None, flag: str | None, env: str | None) -> tuple[str | None, Origin | None]:
    """Choose the profile: the argument, else the flag, else the variable; with where it is asked for."""
    if given or flag:
        return given or flag, None if given else Origin("flag", "command line", "--profile")
    variable = f"{env}__PROFILE"
    profile = os.environ.get(variable) if env else None
    return profile or None, Origin("environment", "environment", variable) if profile else None


def _nowhere(_: Keys) -> Origin:
    return Origin("argument", "load", "profile=")


def _built(resolution: Resolution, app: type[T]) -> T:
    view: View[T] = resolution.schema.view(app)
    return resolution.build(view)


def _flag_layers(schema: Schema, argv: Sequence[str] | None, app: Any) -> tuple[list[Layer], str | None]:
    """Read the command line: the layer of flags, and the profile that it asks for."""
    if argv is None:
        return [], None
    argv = expect_each("load", "flags", argv, str, "flags=sys.argv[1:]")
    from ptyconf.sources import flags

    layer, profile = flags.parse(argv, schema, description=_words_of(app))
    return [layer], profile


def _words_of(app: Any) -> str:
    """Give what a class says of itself; "" for the signature with defaults that a dataclass puts there."""
    words = app.__doc__ or ""
    return "" if words.startswith(f"{getattr(app, '__name__', '')}(") and words.endswith(")") else words
