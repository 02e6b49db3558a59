"""Doors: the steps of a reconstruction by their public names; the code is in `ptycho.clients`."""
