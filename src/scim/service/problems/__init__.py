"""Open problems: the failures that still keep people from being provisioned, grouped by cause."""
