"""What a program declares: settings, views of its classes, kinds of values, and the schema of them all."""
