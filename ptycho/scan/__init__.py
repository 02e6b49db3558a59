"""Scans on disk and in memory: reading, checking, grouping and simulating diffraction data."""
