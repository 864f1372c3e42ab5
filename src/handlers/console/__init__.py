"""The console: pages for the operator, for a customer's IT admin, and for whoever is on call. HTML without scripts."""
