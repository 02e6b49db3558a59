"""``python -m ptyconf``."""

import sys

from ptyconf.cli import main

sys.exit(main())
