"""The pictures of a report, one subject a file: plain arrays in, one PNG file out, whole or not at all."""
