"""Parse filters and attribute paths, and compile filters into functions (RFC 7644 sections 3.4.2.2 and 3.5.2)."""
