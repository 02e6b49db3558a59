"""Doors for programs that bring a torch-side configuration of their own, such as ptychodus."""
