"""Halve the learning rates when the loss stops falling; the name is torch's."""

from ptycho.training.schedule import OnPlateau

SCHEDULER = OnPlateau()
