"""The sign-in of operators to the console: their password, or the OpenID provider of their company."""
