"""Neural ptychography: configuration, scan data, physics, metrics, reports; no framework is imported."""
