"""The service without HTTP and Lambda: protocol, use cases, adapters, and what connects them."""
