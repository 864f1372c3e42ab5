"""The results of purges and erasures."""
