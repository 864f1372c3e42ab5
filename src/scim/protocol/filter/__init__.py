"""Filters: text to tree (``parser``), tree to a function over resources (``predicate``); RFC 7644 section 3.4.2.2."""
