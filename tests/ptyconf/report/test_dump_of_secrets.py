"""A dump says which secrets it lacks, wherever they stand, and keeps the place of what holds nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ptyconf import ConfigError, Precedence, Resolution, resolve, schema_of
from ptyconf.report import dump_toml
from ptyconf.sources import mapping, toml


@dataclass
class Login:
    """A section that needs a secret."""

    password: str = field(metadata={"secret": True})
    again: str | None = field(default=None, metadata={"secret": True})


@dataclass
class App:
    """Places of such sections."""

    logins: list[Login] = field(default_factory=list)
    named: dict[str, Login] = field(default_factory=dict)
    spare: Login | None = None


def resolved() -> Resolution:
    """Resolve a secret at each place."""
    login = {"password": "hunter2"}
    values = {"logins": [login, {**login, "again": "hunter3"}], "named": {"a": login}, "spare": login}
    return resolve(schema_of(App), Precedence("file"), [mapping.layer("file", values)])


def test_a_dump_says_what_it_lacks() -> None:
    """Beside the value of a list, and as a comment of its own elsewhere."""
    assert dump_toml(resolved(), origins=False) == (
        'unset = [\n    "named.a.again",\n    "spare.again",\n]\n\n'
        "logins = [{}, {}]  # without the secret logins.*.password, logins.*.again\n"
        "named.a = {}\n# named.a.password = ********  # secret\n"
        "spare = {}\n# spare.password = ********  # secret\n"
    )


def test_what_is_lacking_is_asked_for() -> None:
    """The sections are there again, so that a needed secret is missed by name."""
    again = resolve(schema_of(App), Precedence("file"), toml.parse(dump_toml(resolved())))
    with pytest.raises(ConfigError) as error:
        again.build(App)
    missing = {problem.path for problem in error.value.exceptions}
    assert missing == {"logins[0].password", "logins[1].password", "named.a.password", "spare.password"}
