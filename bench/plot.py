"""The plot of all cases: readable on light and dark pages alike."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bench.measure import Outcome
from tests.chaos.plot import GREY, STYLE

REACHED, MISSED = "#2f81d6", "#d64545"


def draw(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw each case's share of its reference: from least to most, median and goal."""
    measured = [one for one in outcomes if one.shop][::-1]
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 1 + 0.36 * len(measured)))
        for place, outcome in enumerate(measured):
            _case(axes, place, outcome)
        axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(measured)), [one.case.name for one in measured])
        axes.set_xlim(left=0)
        axes.set_xlabel(
            "share of the reference, by requests/s: bar from least to most, "
            "dot the median, ring by CPU, line the goal"
        )
        figure.tight_layout()
        figure.savefig(path, transparent=True, metadata={"Date": None})
        plt.close(figure)


def _case(axes: Axes, place: int, outcome: Outcome) -> None:
    shares, cpu = outcome.by_rate(), outcome.by_cpu()
    colour = REACHED if outcome.reached else MISSED
    span = (min(shares), max(shares) - min(shares))
    axes.broken_barh([span], (place - 0.12, 0.24), color=colour, alpha=0.45)
    axes.plot(median(shares), place, "o", color=colour, markersize=6)
    if cpu:
        axes.plot(median(cpu), place, "o", color=colour, markersize=6, fillstyle="none")
    axes.vlines(outcome.case.goal, place - 0.34, place + 0.34, color=GREY, linewidth=2)
