"""The numpy reference of the physics, and the judge of both backends."""
