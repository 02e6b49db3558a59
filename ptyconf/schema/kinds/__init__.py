"""The kinds of single values: one module for each of Python's modules that has such types."""
