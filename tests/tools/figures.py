"""Adds up the figures that tests have noted."""

from collections.abc import Iterable


def summed(found: Iterable[tuple[str, object]]) -> dict[str, float]:
    """Add up figures of one name; of those that begin with "worst" keep the largest."""
    figures: dict[str, float] = {}
    for name, value in found:
        number = float(str(value))
        known = figures.get(name, 0.0)
        figures[name] = (
            max(known, number) if name.startswith("worst") else known + number
        )
    return figures


def told(value: float) -> str:
    """Write a figure as people do."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
