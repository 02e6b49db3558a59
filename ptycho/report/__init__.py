"""What a run tells its user: pictures, and a summary in words."""
