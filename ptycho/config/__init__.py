"""The configuration contract, the schema of every setting, and the order of its layers."""
