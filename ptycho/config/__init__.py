"""Doors: the configuration classes by their public names; the code is in `ptycho.settings`."""
