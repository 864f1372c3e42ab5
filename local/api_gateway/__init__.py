"""What Amazon API Gateway does for an HTTP API with Lambda integrations (payload format 2.0).

Where AWS's documentation is silent, this follows observations of the real service and names their source.
"""
