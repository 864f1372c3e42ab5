"""Plans, scans and pages of queries for resources."""
