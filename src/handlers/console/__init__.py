"""The console: HTML pages without scripts for operators, for a customer's IT admin, and for the on-call engineer."""
