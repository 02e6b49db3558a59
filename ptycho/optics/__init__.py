"""What beams are made of: waves of lenses and holes, and models of them by name and numbers."""
