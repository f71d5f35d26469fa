"""The plot of a run: readable on light and dark pages alike."""

from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from tests.chaos.faults import FAULTS
from tests.chaos.numbers import slices
from tests.chaos.report import Run

GREY = "#808080"
COLOURS = {"orders/s": "#2f81d6", "errors/s": "#d64545", "p95, s": "#b7791f"}
MOST_SLICES = 360
STYLE = {
    "svg.fonttype": "none",
    # The same ids each time: a plot changes only where its figures do.
    "svg.hashsalt": "plot",
    "font.size": 9,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
}


def draw(run: Run, path: Path) -> None:
    """Draw orders, errors, answers and faults over the minutes of a run."""
    width = max(1.0, run.seconds / MOST_SLICES)
    cut = slices(run.notes.answers, run.seconds, width)
    minutes = [one.at / 60 for one in cut]
    with mpl.rc_context(STYLE):
        figure, rows = plt.subplots(
            4, 1, sharex=True, figsize=(9, 7), height_ratios=(2, 2, 2, 3)
        )
        _row(rows[0], "orders/s", minutes, [one.orders for one in cut])
        rows[0].axhline(run.rate, color=GREY, linewidth=0.8, linestyle=":")
        _row(rows[1], "errors/s", minutes, [one.errors for one in cut])
        _row(rows[2], "p95, s", minutes, [one.p95 for one in cut])
        _faults(rows[3], run)
        figure.align_ylabels()
        figure.tight_layout()
        figure.savefig(path, transparent=True, metadata={"Date": None})
        plt.close(figure)


def _row(axes: Axes, name: str, minutes: list[float], values: list[float]) -> None:
    axes.plot(minutes, values, color=COLOURS[name], linewidth=1.1)
    axes.fill_between(minutes, values, color=COLOURS[name], alpha=0.25, linewidth=0)
    axes.set_ylabel(name)
    axes.set_ylim(bottom=0)


def _faults(axes: Axes, run: Run) -> None:
    """Mark each fault in the row of its kind, as long as it lasted."""
    kinds = sorted({fault.kind for fault in FAULTS.values()}, reverse=True)
    for strike in run.strikes:
        row = kinds.index(FAULTS[strike.name].kind)
        length = max(strike.ended - strike.at, run.seconds / 400)
        span = (strike.at / 60, length / 60)
        axes.broken_barh([span], (row - 0.35, 0.7), color=COLOURS["errors/s"])
    axes.set_yticks(range(len(kinds)), kinds)
    axes.set_xlim(0, run.seconds / 60)
    axes.set_xlabel("minutes")
    axes.set_ylabel("faults")
