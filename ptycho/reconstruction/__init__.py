"""From patches to one picture of the object, whichever backend computes."""
