"""How each platform says it: one module per source, all with the same public names."""
