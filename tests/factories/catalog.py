"""A small catalog for tests: one of each kind, and what is awkward."""

from pathlib import Path

CATALOG = Path(__file__).with_name("catalog.toml")
