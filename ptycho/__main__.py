"""``python -m ptycho`` is the command ``ptycho``."""

from ptycho.commands.main import run_main

run_main()
