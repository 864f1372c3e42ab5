"""The use cases that only the console has: sign-in with the admin password, and invitations."""
