"""The master key of the stack, its generations, and the keys that are derived from it."""
