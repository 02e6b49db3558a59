"""Weights that come with the package, and the simulated scans that they were trained on."""
