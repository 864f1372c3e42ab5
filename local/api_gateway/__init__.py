"""A local replacement for Amazon API Gateway: an HTTP API with Lambda integrations (payload format 2.0).

If AWS's documentation does not describe a case, the code follows observations of the real service and names the source.
"""
