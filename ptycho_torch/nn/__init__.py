"""Networks, differentiable physics and losses in torch: the learning half of the torch backend."""
