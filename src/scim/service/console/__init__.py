"""The use cases of the console alone: sign-in with the password, and invitations."""
