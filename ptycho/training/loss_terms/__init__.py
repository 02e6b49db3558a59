"""The terms that a training loss may have: one module each, its constant `LOSS_TERM` is the entry."""
