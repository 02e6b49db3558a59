"""Reports on a resolution: a table, a tree, one setting's story, JSON, and a TOML file that loads back."""

from ptyconf.report.json import to_json
from ptyconf.report.story import story, why
from ptyconf.report.table import table
from ptyconf.report.toml import dump_toml
from ptyconf.report.tree import tree

__all__ = ["dump_toml", "story", "table", "to_json", "tree", "why"]
