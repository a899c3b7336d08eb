"""Doors for people and platforms: hooks, the JSON API, and later the console."""
