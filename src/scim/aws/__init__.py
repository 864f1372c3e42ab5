"""Clients of AWS services, and the classes of their errors."""
