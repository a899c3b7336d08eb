"""The flight recorder for cancelled payments: who ended each one, why, and what to mend."""

__version__ = "0.1.0"
