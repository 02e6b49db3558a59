"""What programs that call us as a library use."""
