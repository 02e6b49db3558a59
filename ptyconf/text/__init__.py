"""Values and files as text: how they are written for people, and what a text must be to be read."""
