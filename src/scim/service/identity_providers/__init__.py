"""Detect the identity provider of a request, or of a tenant by its log."""
