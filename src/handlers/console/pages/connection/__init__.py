"""The pages about the connection of a tenant: guided set-up, token, access of IT admins, and settings."""
