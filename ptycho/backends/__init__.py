"""What a backend must do, and which backends there are."""
