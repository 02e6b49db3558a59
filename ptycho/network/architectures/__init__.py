"""The networks that can be chosen by name: one module each, its constant `ARCHITECTURE` is the entry."""
