"""The AWS account and region that the local run pretends to be in, and the address that it listens on."""

ACCOUNT = "000000000000"
REGION = "us-east-1"
HOST = "127.0.0.1"  # only this machine can connect
