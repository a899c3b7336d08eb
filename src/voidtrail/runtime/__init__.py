"""The effects: settings, the one place that builds things, intake, the worker, polls, reports."""
