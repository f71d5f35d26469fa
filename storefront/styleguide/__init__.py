"""What the shop looks like, piece by piece; never part of a production shop."""
