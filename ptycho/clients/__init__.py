"""What the doors for programs that call this library do."""
