"""What Amazon API Gateway does for an HTTP API with Lambda functions behind it (payload format 2.0).

Where AWS's documentation is silent, this follows what was observed on the real service, and names the source.
"""
