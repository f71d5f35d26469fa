"""Makes the almanac that the demo's catalog sells."""
