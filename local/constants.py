"""Where all this pretends to be, and where it is."""

ACCOUNT = "000000000000"
REGION = "us-east-1"
HOST = "127.0.0.1"  # nothing here listens to anybody else
