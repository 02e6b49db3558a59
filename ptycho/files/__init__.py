"""Bytes on the disk: archives, arrays and JSON read within bounds, files written whole or not at all."""
