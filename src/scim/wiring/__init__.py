"""The only package that builds adapters and use cases from the settings.

Each module serves one kind of Lambda function, so that no function imports modules that it does not use.
"""
