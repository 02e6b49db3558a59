"""Training and reconstruction with Lightning."""
