"""Clients of AWS services, and the classification of their errors."""
