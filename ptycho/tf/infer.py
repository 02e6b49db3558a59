"""TensorFlow's way to reconstruct a scan with a trained network."""

from ptycho.reconstruction.with_network import NetworkReconstruction

from .threads import threads_for_reconstruction
from .trained_network import TrainedTensorFlowNetwork

reconstruct = NetworkReconstruction(TrainedTensorFlowNetwork, threads_for_reconstruction, "/CPU:0")
