"""A table and a figure: how far images of each class must be moved."""

from matplotlib.figure import Figure

from blindspots.analyses.kit import cells, over_seeds


def by_class(attacks, *, labels):
    moved = attacks["success"] & (attacks["distortion"] > 0)  # 0: the net was wrong already
    found = attacks[moved].rename(columns={"net": "row", "label": "column"})
    values = found.groupby(["row", "column", "seed"])["distortion"].agg(value="mean", n="size")
    values = values.reset_index().assign(unit="RMS per pixel")
    values["column"] = values["column"].astype(str)
    return cells(over_seeds(values, ["row", "column", "unit"]), labels)


def boxes(attacks, *, labels):
    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    classes = sorted(attacks["label"].unique())
    axes.boxplot(
        [attacks.loc[attacks["label"] == c, "distortion"].dropna() for c in classes],
        tick_labels=[str(c) for c in classes],
    )
    axes.set(xlabel="class", ylabel="distortion (RMS per pixel)")
    return figure
