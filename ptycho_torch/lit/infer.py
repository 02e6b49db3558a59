"""Reconstruction of a scan with a network of torch."""

from ptycho.reconstruction.with_network import NetworkReconstruction
from ptycho_torch.nn.threads import limited

from .trained_network import TrainedTorchNetwork

reconstruct = NetworkReconstruction(TrainedTorchNetwork, lambda threads: limited(threads or 1), "cpu")
