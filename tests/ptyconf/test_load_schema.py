"""`load` takes a schema in place of a class, where a program said more than the class does."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ptyconf import Schema, SchemaError, Setting, View, load


@dataclass
class Kept:
    """An attribute that files cannot have under its own name."""

    include: int = 1


@dataclass
class Db:
    """A section with a variable of its own."""

    url: str = field(default="x", metadata={"env": "DB_URL"})


@dataclass
class Two:
    """It stands at two places."""

    main: Db = field(default_factory=Db)
    copy: Db = field(default_factory=Db)


def test_what_errors_advise_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other names in files, and another variable: as the errors about the bare classes say."""
    with pytest.raises(SchemaError, match="View"):
        load(Kept)
    renamed: Kept = load(Schema("Kept", [View(Kept, "", {"include": "include_"})]), overrides={"include_": 4})
    assert renamed == Kept(4)
    with pytest.raises(SchemaError, match="ANOTHER_NAME"):
        load(Two, env="")
    monkeypatch.setenv("DB_URL", "one")
    monkeypatch.setenv("OTHER_URL", "two")
    schema = Schema("Two", [View(Two, "")], settings=[Setting("copy.url", env="OTHER_URL")])
    both: Two = load(schema, env="")
    assert both == Two(Db("one"), Db("two"))


def test_a_schema_without_one_class_is_refused() -> None:
    """Which class is meant must be plain, and what a schema says is not said again."""
    with pytest.raises(SchemaError, match="0 views"):
        load(Schema("Db", [View(Db, "db")]))
    with pytest.raises(SchemaError, match="said to Schema"):
        load(Schema("Db", [View(Db, "")]), references=True)
