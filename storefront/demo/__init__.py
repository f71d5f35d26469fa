"""What a newcomer gets instead of the real thing."""
