"""The page of rules: every file and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
RULES = ("POLICY-001", "CONFIG-001", "CONFIG-002", "DATA-001", "FORMAT-001", "DATA-SUP-001")


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_all_its_parts(rule: str) -> None:
    """A rule says what, why, where it is enforced and what holds it."""
    (section,) = re.findall(rf"^## {rule}: .*?(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    for part in ("**Rule.**", "**Why.**", "**Enforced in**", "**Held by**"):
        assert part in section


def test_every_named_file_and_test_exists() -> None:
    """The page names nothing that is not there."""
    named = re.findall(r"`([\w/.]+\.(?:py|md))(?:::(\w+))?`", PAGE)
    assert len(named) > 20
    for file, test in named:
        assert (ROOT / file).is_file(), file
        if test:
            assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), test
