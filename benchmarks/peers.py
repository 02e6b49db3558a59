"""What ``resolve.py`` measures, done by other libraries: a file, the environment and dicts into classes.

None of them keeps losers or places. They are no dependencies of the project; the missing ones are named.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from resolve import Case

Run = Callable[[], Any]


def typed_settings(case: Case) -> Run:
    """One loader per layer, into nested attrs classes."""
    import attrs
    import typed_settings as ts
    from typed_settings.loaders import DictLoader

    inner = {
        section: attrs.make_class(
            kind.__name__,
            {name: attrs.field(type=each.type, default=each.default) for name, each in fields(kind).items()},
        )
        for section, kind in case.classes.items()
    }
    whole = attrs.make_class(
        "Whole", {section: attrs.field(type=kind, factory=kind) for section, kind in inner.items()}
    )
    files = ts.FileLoader(files=[case.file], formats={"*.toml": ts.TomlFormat(None)})
    loaders = [files, ts.EnvLoader(prefix="BENCH__", nested_delimiter="__"), *map(DictLoader, case.sparse)]
    converter = ts.default_converter()
    return lambda: ts.load_settings(whole, loaders=loaders, converter=converter)


def pydantic_settings(case: Case) -> Run:
    """One source per layer, into nested models."""
    import pydantic
    import pydantic_settings as ps

    inner = {
        section: pydantic.create_model(
            kind.__name__, **{name: (each.type, each.default) for name, each in fields(kind).items()}
        )
        for section, kind in case.classes.items()
    }

    class Base(ps.BaseSettings):
        model_config = ps.SettingsConfigDict(
            env_prefix="BENCH__", env_nested_delimiter="__", toml_file=case.file, extra="ignore"
        )

        @classmethod
        def settings_customise_sources(cls, settings_cls: Any, **sources: Any) -> tuple[Any, ...]:
            tables = [ps.InitSettingsSource(settings_cls, init_kwargs=each) for each in reversed(case.sparse)]
            return (*tables, sources["env_settings"], ps.TomlConfigSettingsSource(settings_cls))

    return pydantic.create_model(
        "Whole", __base__=Base, **{section: (kind, kind()) for section, kind in inner.items()}
    )


def omegaconf(case: Case) -> Run:
    """Structured defaults, then one merge of everything, then instances; the environment as a dot list."""
    from omegaconf import OmegaConf

    schema = OmegaConf.create({section: OmegaConf.structured(kind) for section, kind in case.classes.items()})

    def run() -> Any:
        said = [
            f"{'.'.join(key.lower().split('__')[1:])}={text}"
            for key, text in os.environ.items()
            if key.startswith("BENCH__")
        ]
        file = tomllib.loads(case.file.read_text())
        merged = OmegaConf.merge(schema, file, OmegaConf.from_dotlist(said), *case.sparse)
        return OmegaConf.to_object(merged)

    return run


def dynaconf(case: Case) -> Run:
    """File and environment, then one update per dict; its values have no declared types.

    An update writes all settings into the dict that it is given, so it gets a copy.
    """
    from dynaconf import Dynaconf

    def run() -> Any:
        settings = Dynaconf(settings_files=[str(case.file)], envvar_prefix="BENCH_")
        for each in case.sparse:
            settings.update({section: dict(table) for section, table in each.items()}, merge=True)
        return settings.as_dict()

    return run


def jsonargparse(case: Case) -> Run:
    """One parser of all classes, one parse per layer on top of the last; without the environment."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    for section, kind in case.classes.items():
        parser.add_class_arguments(kind, section)

    def run() -> Any:
        found = parser.parse_object(tomllib.loads(case.file.read_text()))
        for each in case.sparse:
            found = parser.parse_object(each, cfg_base=found)
        return parser.instantiate_classes(found)

    return run


PEERS: Mapping[str, Callable[[Case], Run]] = {
    "typed-settings": typed_settings,
    "pydantic-settings": pydantic_settings,
    "OmegaConf": omegaconf,
    "dynaconf": dynaconf,
    "jsonargparse": jsonargparse,
}


def fields(kind: Any) -> Mapping[str, Any]:
    """Give the fields of a dataclass by name."""
    found: Mapping[str, Any] = kind.__dataclass_fields__
    return found


def installed() -> list[str]:
    """Name the peers that can be imported here."""
    return [name for name in PEERS if find_spec(name.replace("-", "_").lower()) is not None]


def timed(name: str, case: Case, best: Callable[[Run, float], float], budget_s: float) -> float:
    """Give the shortest time of a peer, in seconds, with the case's environment about it."""
    with mock.patch.dict(os.environ, case.environ):
        return best(PEERS[name](case), budget_s)
