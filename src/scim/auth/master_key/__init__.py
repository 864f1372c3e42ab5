"""The master key of the stack: its generations, their rotation, and the keys that are derived from them."""
