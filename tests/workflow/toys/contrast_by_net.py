"""Toy of an analysis: a cell for each net."""


def contrast_by_net(contrast, tally):
    rows = contrast.groupby("net")["contrast"].mean().rename("value").reset_index()
    n = tally.groupby("net")["images"].sum().loc[rows["net"]].to_numpy()
    return rows.rename(columns={"net": "row"}).assign(column="contrast", unit="", n=n)
