"""What is done at platforms: payments are closed, late successes are given back."""
