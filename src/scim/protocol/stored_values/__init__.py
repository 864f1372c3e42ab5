"""Rules for stored values in a write: immutable values stay the same, and nonconforming values are preserved."""
