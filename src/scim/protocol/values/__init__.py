"""Parse the values that clients send, and select the conforming parts of stored values."""
