"""What has to be told: terms, privacy, imprint, questions, from files per language."""
