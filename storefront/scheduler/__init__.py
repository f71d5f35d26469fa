"""What runs alone."""
