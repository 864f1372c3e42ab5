"""The records of the audit log: audit events, failures with their counts, and their positions in the log."""
