"""One run: from what was written to what is in force, its folder, its signals."""
