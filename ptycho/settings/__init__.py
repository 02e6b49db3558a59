"""Every setting, once: its classes, its schema, the order of its layers, and the legacy dict."""
