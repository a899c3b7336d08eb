"""The door for operators: one module per group of commands, each command one call into runtime."""
