"""What a network is made of, whichever backend builds it. Imports no framework."""
