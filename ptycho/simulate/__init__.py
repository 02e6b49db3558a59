"""Simulated scans of known objects: beams, objects, frames."""
