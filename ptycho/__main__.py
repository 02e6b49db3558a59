"""``python -m ptycho`` is the command ``ptycho``."""

import sys

from ptycho.commands.main import main

sys.exit(main())
