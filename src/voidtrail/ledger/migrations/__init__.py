"""The ledger's tables, as steps that are never changed once released (run by Alembic).

The read tables (payment, operation, verdict) are not here: they are caches, made from
`lifecycle.join` and dropped and rebuilt when that changes.
"""
