"""The sign-in of operators to the console, with the admin password or with an OpenID provider (SSO)."""
