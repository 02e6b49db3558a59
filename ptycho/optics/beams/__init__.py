"""Beams to scan with, one module each: its constant PROBE is a `ptycho.optics.kind.ProbeKind`."""
