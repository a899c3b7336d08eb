"""What it teaches: rates with their denominators and intervals."""
