"""What both backends do alike stands in the rooms below them, once."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE))

from likeness import equal_share, share_of  # noqa: E402  A script beside this file.

_MOST = 0.20


def test_the_backends_share_few_lines() -> None:
    """At most a fifth of the backends' lines are equal after the frameworks' names are made alike."""
    share = share_of(_HERE.parents[1])
    assert share.lines > 0
    assert share.part <= _MOST, (
        f"{share.part:.1%} of {share.lines} lines; python tests/architecture/likeness.py"
    )


def test_a_copy_would_be_noticed(tmp_path: Path) -> None:
    """Two modules that differ only in the framework's name are equal throughout."""
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("import tensorflow as tf\n\nx = tf.zeros(3)\n")
    other.write_text("import torch\n\nx = torch.zeros(3)\n# more\n")
    assert equal_share([one], [other]).equal == 2
