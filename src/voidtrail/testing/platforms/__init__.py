"""Platforms to rehearse with: each signs, keeps state and lies as the real one does.

Every fake is a subclass of `voidtrail.testing.platforms.fake.FakePlatform`. It holds payments, is
told what happens to them (`do`), writes signed notices, and answers questions and orders over HTTP.
It works on an instant that it is handed, so that a simulation runs it without sockets, and
`voidtrail.testing.platforms.server` puts it on a loopback port for integration tests.
"""
