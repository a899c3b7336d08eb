"""What is kept: deliveries and events in one chained, append-only log, and what is folded of it."""
