"""What was said: deliveries as received, and the canonical statements read from them."""
