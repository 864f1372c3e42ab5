"""The data of the console: sign-in attempts, sessions, invitations and the requests for them."""
