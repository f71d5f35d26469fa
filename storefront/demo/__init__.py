"""What a newcomer gets instead of the real thing; nothing outside imports from here but the commands and the tests."""
