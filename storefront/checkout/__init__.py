"""The use cases: from a form to a paid order, and what happens to it later."""
