"""What stands for a path: read as a path of this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ptyconf.schema.kind import Kind
from ptyconf.schema.kinds.pathlib import make_path

KINDS: dict[Any, Kind] = {os.PathLike: make_path(Path, anchored=True)}
