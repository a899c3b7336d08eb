"""The benchmark rig: signed notifications, a load generator, and servers measured side by side."""
