"""What to do about it: who is told of what, and when; pure."""
