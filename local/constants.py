"""The AWS account and region of the local run, which do not exist, and the address that it listens on."""

ACCOUNT = "000000000000"
REGION = "us-east-1"
HOST = "127.0.0.1"  # only this machine can connect
