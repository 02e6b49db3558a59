"""The sections of a report, one file each: what it shows, from which results, and where on the page."""
