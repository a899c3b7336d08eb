"""The merchant's order systems: what they are told, by signed webhooks (Standard Webhooks)."""
