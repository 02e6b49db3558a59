"""Halve the learning rates when the loss stops falling, under the name that torch-side settings use."""

from .reduce_on_plateau import SCHEDULER

__all__ = ["SCHEDULER"]
