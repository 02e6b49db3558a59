"""The stages of a training that no framework is needed for; both backends stand on them."""
