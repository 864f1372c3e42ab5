"""The use cases of tenants: settings, tokens, custom schemas, health and overview."""
