"""The page of a tenant's audit log: its filter, its links and its download."""
