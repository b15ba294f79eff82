"""Toy of a figure: bars."""

from matplotlib.figure import Figure


def tally_drawn(tally, *, panel: str):
    """How often each answer was given by which net."""
    figure = Figure()
    axes = figure.subplots()
    axes.set_title(panel)
    for net, rows in tally.groupby("net"):
        axes.bar(rows["answer"], rows["images"], label=net, alpha=0.5)
    axes.legend()
    return figure
