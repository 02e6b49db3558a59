"""What happens to layers: each is read by the schema, merged by the law, and resolved with its history."""
