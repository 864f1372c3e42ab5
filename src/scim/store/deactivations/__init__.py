"""The counts of deactivations, their snapshots, and the alerts about mass deactivations."""
