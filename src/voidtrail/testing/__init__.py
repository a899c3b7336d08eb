"""The rehearsal room: what tests, demonstrations and benchmarks play the product with."""
