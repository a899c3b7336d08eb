"""What is kept or raised in English, told in the language of who reads it."""
