"""The records of the audit log: audit events, failures and their counts, and positions in the log."""
