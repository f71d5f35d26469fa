"""How fast the shop is, measured against bare counterparts in the same run."""
