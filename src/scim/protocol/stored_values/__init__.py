"""Rules for writing over stored values: immutable values, and values that no current schema describes."""
