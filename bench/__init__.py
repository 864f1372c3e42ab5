"""``make bench``: measure Muster, compare it with other SCIM servers, and check the figures against limits.

All requests go through the real handlers, with dynoxide as the database. If a figure compares two programs, they are
measured in turn, so that a slow moment affects both. Figures are medians. No code in this package is deployed.
"""
