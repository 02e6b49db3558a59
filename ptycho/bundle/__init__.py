"""The archive of a trained network: read, written, never executed."""
