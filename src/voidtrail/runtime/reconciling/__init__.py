"""Reconciliation: a platform's bill against our books (see `insight.reconciliation`)."""
