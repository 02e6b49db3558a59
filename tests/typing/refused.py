"""Code that the type checkers must refuse: one error on each line that says so."""

from dataclasses import dataclass

from ptyconf import Precedence, Schema, View, resolve
from ptyconf.sources import instance


@dataclass
class Model:
    """Inside."""

    gridsize: int = 1


@dataclass
class Other:
    """Not in the schema."""

    x: int = 1


MODEL = View(Model, "model")
resolution = resolve(Schema("typed", [MODEL]), Precedence("overrides"), [])
config = resolution.build(Model)
_ = config.gridsiez  # refused: attr-defined
text: str = config.gridsize  # refused: assignment
other: Other = resolution.build(MODEL)  # refused: assignment
instance.layer("overrides", Other(), MODEL, fields="all")  # refused: misc
instance.layer("overrides", Model(), MODEL, fields="some")  # refused: arg-type
resolution["model.gridsize"] = 2  # refused: index
resolve(Schema("typed"), ["overrides"], [])  # refused: arg-type
