"""Laws of templates over generated schemas: every line that is uncommented loads, and says the truth."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ptyconf import Precedence, Schema, View, resolve
from ptyconf.report.template import template
from ptyconf.sources import toml
from tests.ptyconf.laws.generated import classes
from tests.ptyconf.laws.test_laws import same_object

ORDER = Precedence("file")
LINE = re.compile(r"(#|## for example:) (.* = .*)")


@given(classes(), st.sampled_from(["top", ""]))
def test_every_line_of_a_template_loads(kind: Any, section: str) -> None:
    """By itself; a default changes nothing, alone and together with all the others."""
    schema = Schema("made", [View(kind, section)])
    made = resolve(schema, ORDER, []).build(kind)
    header, defaults = "", []
    for line in template(schema).splitlines():
        match = LINE.fullmatch(line)
        if line.startswith("["):
            header = line
            defaults.append(line)
        elif match is not None and not line.startswith("# Settings of"):
            loaded = resolve(schema, ORDER, toml.parse(f"{header}\n{match[2]}\n")).build(kind)
            if match[1] == "#":
                defaults.append(match[2])
                assert same_object(loaded, made), line
    everything = resolve(schema, ORDER, toml.parse("\n".join(defaults)))
    assert same_object(everything.build(kind), made)
