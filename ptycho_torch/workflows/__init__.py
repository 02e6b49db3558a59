"""What programs that call the torch side as a library use."""
