"""Layouts of scan files, one module each: its constant FORMAT is a `ptycho.scan.scan_format.ScanFormat`."""
