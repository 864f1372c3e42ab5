"""Access to the table for long work: calls at a bounded rate, whole partitions, and task records."""
