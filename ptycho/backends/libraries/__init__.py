"""The libraries that train and reconstruct, one file each: what it needs, how its processes share a run."""
