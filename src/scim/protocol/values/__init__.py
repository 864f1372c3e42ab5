"""Values of attributes: parse those that clients send, and check those that are stored."""
