"""The use cases around tenants: settings, tokens, custom schemas, health and overview."""
