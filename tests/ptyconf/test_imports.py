"""What ``import ptyconf`` brings along."""

from __future__ import annotations

import subprocess
import sys

CHECK = """
import sys
import attrs
before = set(sys.modules)
import ptyconf
added = {name.partition('.')[0] for name in set(sys.modules) - before}
print(sorted(name for name in added if name not in sys.stdlib_module_names and name != 'ptyconf'))
"""


def test_import_needs_only_attrs() -> None:
    """Nothing beyond attrs and the standard library, and none of it is slow to come."""
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
