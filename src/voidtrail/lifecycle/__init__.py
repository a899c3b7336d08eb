"""What it means: the join of a payment, its operations and money legs, the verdict, the order."""
