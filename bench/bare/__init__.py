"""References: the least that Flask can do for the same answer."""
