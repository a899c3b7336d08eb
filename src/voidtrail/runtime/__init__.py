"""The effects: what reads, writes, sends and waits."""
