"""``python -m ptycho`` is the command ``ptycho``."""

import sys

from ptycho.cli import main

sys.exit(main())
