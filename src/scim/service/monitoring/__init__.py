"""Check the health of all customers, and send an alert when a customer turns bad."""
