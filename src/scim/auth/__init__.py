"""Authentication: bearer tokens, the master key, cursor signatures, and the operators' sign-in to the console."""
