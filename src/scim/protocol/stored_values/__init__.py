"""Apply rules to stored values when they are written: keep immutable values, and preserve nonconforming values."""
