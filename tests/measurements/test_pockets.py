"""Shares of directions that fool a net, against the spherical caps beyond a hyperplane."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy import special, stats
from torch import nn

from blindspots import statistics
from blindspots.analyses.pockets import pockets as summary
from blindspots.files.images import Images
from blindspots.interface import Box
from blindspots.measurements import pockets
from blindspots.measurements.exhibits import Exhibit
from blindspots.randomness import draw_rows
from blindspots.threat.outcomes import REJECTED, RIGHT, WRONG

NO_BOX, UNIT = Box(-np.inf, np.inf), Box(0.0, 1.0)
MULTIPLES = (1, 2, 4, 8)
N, DIRECTIONS = 6, 4000


class Halves(nn.Module):
    """Two classes on either side of a hyperplane through 0, and further logits by `beyond`."""

    def __init__(self, weight, beyond=None):
        super().__init__()
        self.weight, self.beyond = torch.from_numpy(weight), beyond

    def forward(self, x):
        z = (x.flatten(1).double() @ self.weight)[:, None]
        logits = [z, -z] if self.beyond is None else [z, -z, self.beyond(z)]
        return torch.cat(logits, dim=1).to(x.dtype)


def cap(pixels, height):
    """Share of directions in which a hyperplane at distance `height` is nearer than 1."""
    return special.betainc((pixels - 1) / 2, 0.5, 1 - height**2) / 2


def cut(pixels, n=N, box=NO_BOX, distance=0.1):
    """Images moved straight to a hyperplane, or a little beyond it."""
    generator = np.random.default_rng(pixels)
    weight = generator.standard_normal(pixels)
    weight /= np.linalg.norm(weight)
    images = generator.standard_normal((n, pixels))
    images += (distance - images @ weight)[:, None] * weight
    images = torch.from_numpy(images.reshape(n, 1, 1, pixels)).float()
    data = Images(images, torch.zeros(n, dtype=torch.int64), np.arange(n) + 3, "test", 2, box, "d")
    attacked = images - torch.from_numpy(distance * weight).float()
    rms = np.full(n, distance / pixels**0.5)
    before = np.full(n, RIGHT, object)
    exhibit = Exhibit("A", "lbfgs", None, None, data, attacked, np.ones(n, bool), rms, before)
    return exhibit, weight


def measured(exhibit, model, chunk=512, directions=DIRECTIONS, **settings):
    given = "e", 5, exhibit.data, [exhibit], {"A": model}, chunk, None
    return whole(pockets.pockets(*given, multiples=MULTIPLES, directions=directions, **settings))


def whole(parts):
    """Join the parts of the table, as the workflow does."""
    return pa.concat_tables(parts).to_pandas()


@pytest.mark.parametrize("pixels", [2, 9, 64, 784])
def test_of_a_linear_net_the_share_is_that_of_the_caps_of_the_sphere(pixels):
    exhibit, weight = cut(pixels)
    exhibit = replace(exhibit, distortion=1.25 * exhibit.distortion)
    found = measured(exhibit, Halves(weight))
    for multiple, rows in found.groupby("multiple"):
        share = cap(pixels, 1 / (1.25 * multiple))
        drawn = N * DIRECTIONS
        least, most = stats.binom(drawn, share).ppf([1e-6, 1 - 1e-6])
        assert least <= rows["fooled"].sum() <= most
        assert rows["directions"].eq(DIRECTIONS).all()
    assert (found["length"] / found["multiple"]).to_numpy() == pytest.approx(0.125)
    assert found["multiple"].tolist() == [*MULTIPLES] * N
    assert found["index"].tolist() == [index for index in range(3, 3 + N) for _ in MULTIPLES]


def test_in_the_plane_the_share_is_an_arc():
    assert cap(2, 0.5) == pytest.approx(1 / 3)
    assert cap(3, 0.5) == pytest.approx(1 / 4)  # Archimedes: (1 − height) / 2


def test_the_chunk_and_the_other_images_change_nothing():
    exhibit, weight = cut(20)
    model = Halves(weight)
    together = measured(exhibit, model, chunk=64, directions=100)
    for chunk in (7, 1000):
        assert (
            measured(exhibit, model, chunk, 100)["fooled"].tolist() == together["fooled"].tolist()
        )
    one = exhibit.data.at(slice(2, 3))
    alone = replace(exhibit,
        data=one, stack=exhibit.images[2:3], success=exhibit.success[2:3],
        distortion=exhibit.distortion[2:3], before=exhibit.before[2:3],
    )  # fmt: skip
    found = measured(alone, model, 64, 100)["fooled"].tolist()
    assert found == together["fooled"].tolist()[8:12]


def test_every_net_and_attack_is_shown_the_directions_that_the_seed_and_the_row_name():
    exhibit, weight = cut(5, n=2)
    drawn = draw_rows(
        5, pockets.DIRECTIONS, exhibit.data.rows, lambda rng: rng.standard_normal((30, 5))
    )
    drawn /= np.linalg.norm(drawn, axis=2, keepdims=True)
    expected = ((0.1 + 0.4 * drawn @ weight) < 0).sum(axis=1)
    other = replace(exhibit, attack="closest", source="B")
    given = "e", 5, exhibit.data, [exhibit, other], {"A": Halves(weight), "B": Halves(weight)}, 8
    found = whole(pockets.pockets(*given, None, multiples=[4], directions=30))
    assert found["fooled"].tolist() == [*expected, *expected]
    assert found["source"].tolist() == ["A", "A", "B", "B"]


def test_only_images_are_tried_that_the_net_gets_right_and_the_attack_fooled_it_on():
    exhibit, weight = cut(9, n=4)
    failed = replace(
        exhibit,
        success=np.array([True, False, True, True]),
        before=np.array([RIGHT, RIGHT, WRONG, REJECTED], object),
    )
    found = measured(failed, Halves(weight), directions=10)
    counts = found.groupby("index", sort=False)["directions"].unique()
    assert [list(of) for of in counts] == [[10], [0], [0], [0]]
    assert found.loc[found["directions"].eq(0), "fooled"].eq(0).all()
    assert found.loc[found["directions"].eq(0), ["low", "high"]].isna().all(axis=None)
    assert found.loc[found["index"].eq(4), "length"].isna().all()


def test_a_rejection_is_no_fooling():
    exhibit, weight = cut(2)
    everything = measured(exhibit, Halves(weight, beyond=lambda z: z.abs() + 1), directions=50)
    assert everything["fooled"].eq(0).all()
    assert everything["rejected"].eq(50).all()
    nothing = measured(exhibit, Halves(weight, beyond=lambda z: -z.abs()), directions=50)
    assert nothing["rejected"].eq(0).all()
    assert nothing["fooled"].sum() > 0


def test_an_answer_that_is_not_finite_is_no_fooling():
    exhibit, weight = cut(2)
    found = measured(exhibit, Halves(weight, beyond=lambda z: z / 0), directions=50)
    assert found[["fooled", "rejected"]].eq(0).all(axis=None)


class Farther(nn.Module):
    """A model that is wrong on images farther than a length from the middle of the box."""

    def __init__(self, length):
        super().__init__()
        self.length = length

    def forward(self, x):
        z = (x.flatten(1).double() - 0.5).norm(dim=1, keepdim=True) - self.length
        return torch.cat([-z, z], dim=1).to(x.dtype)


def test_clipped_images_stay_in_the_box_and_are_as_far_all_the_same():
    pixels = 16
    exhibit, _ = cut(pixels, n=1, box=UNIT)
    middle = replace(exhibit.data, stack=torch.full((1, 1, 4, 4), 0.5))
    exhibit = replace(exhibit, data=middle, distortion=np.array([0.3 / 4]))
    # At 0.3 and 0.6 few pixels need be clipped; at 1.2 most; no direction is 2.4 long in the box.
    clipped = measured(exhibit, Farther(1.2 - 1e-4), directions=200, clipped=True)
    assert clipped["directions"].tolist()[:2] == [200, 200]
    assert clipped["directions"].tolist()[3] == 0
    assert clipped["inside"].tolist() == clipped["directions"].tolist()
    assert clipped["fooled"].tolist()[:2] == [0, 0]
    assert clipped["fooled"].tolist()[2] == clipped["directions"].tolist()[2] > 150
    free = measured(exhibit, Farther(1.2 - 1e-4), directions=200)
    assert free["directions"].eq(200).all()
    assert free["fooled"].tolist() == [0, 0, 200, 200]
    assert free["inside"].tolist()[0] == 200 - int(_leave(exhibit, 0.3, 200))
    assert not free["clipped"].any() and clipped["clipped"].all()


def _leave(exhibit, length, n):
    drawn = draw_rows(
        5, pockets.DIRECTIONS, exhibit.data.rows, lambda rng: rng.standard_normal((n, 16))
    )[0]
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return (abs(length * drawn) > 0.5).any(axis=1).sum()


def test_the_interval_of_an_image_is_the_exact_one():
    exhibit, weight = cut(2, n=3)
    found = measured(exhibit, Halves(weight), directions=40)
    for row in found.itertuples():
        expected = stats.binomtest(row.fooled, 40).proportion_ci(method="exact")
        assert (row.low, row.high) == pytest.approx((expected.low, expected.high))


def table(exhibit, model, **settings):
    cells = summary(measured(exhibit, model, **settings), labels={"A": "net A"})
    return cells.set_index(["row", "column"]), cells


def test_the_table_has_the_mean_share_and_the_images_that_any_direction_fools():
    exhibit, weight = cut(9)
    found = measured(exhibit, Halves(weight), directions=30)
    rows, cells = table(exhibit, Halves(weight), directions=30)
    for multiple, of in found.groupby("multiple"):
        shares = of["fooled"] / 30
        at = f"A × {multiple:g}"
        assert rows.loc[(at, "share"), "value"] == pytest.approx(100 * shares.mean())
        assert rows.loc[(at, "images"), "value"] == pytest.approx(100 * (shares > 0).mean())
        assert rows.loc[(at, "length"), "value"] == pytest.approx(0.1 * multiple)
        assert rows.loc[(at, "tried"), "value"] == N
        low, high = rows.loc[(at, "share"), ["low", "high"]] / 100
        for interval in (
            statistics.student(shares),
            [end.item() for end in statistics.clopper_pearson(of["fooled"].sum(), N * 30)],
        ):
            assert low <= max(0, interval[0]) + 1e-12 and high >= min(1, interval[1]) - 1e-12
    assert cells["row_label"].unique().tolist() == [f"net A × {m}" for m in MULTIPLES]


def test_over_several_networks_the_interval_is_students_between_none_and_all():
    exhibit, weight = cut(9)
    one = measured(exhibit, Halves(weight), directions=30)
    two = one.assign(seed=6, fooled=0)
    cells = summary(pd.concat([one, two]), labels={}).set_index(["row", "column"])
    share = cells.loc[("A × 8", "share")]
    assert share["networks"] == 2 and share["interval"] == "student"
    assert share["low"] == 0 and share["high"] == 100  # two networks are little evidence


def test_where_no_direction_fools_the_interval_is_not_empty():
    exhibit, weight = cut(784)
    rows, _ = table(exhibit, Halves(weight), directions=30)
    share = rows.loc[("A × 1", "share")]
    assert share["value"] == 0 and share["low"] == 0
    assert share["high"] == pytest.approx(100 * (1 - 0.025 ** (1 / (N * 30))))


def test_a_table_without_images_says_why():
    exhibit, weight = cut(9)
    none = replace(exhibit, success=np.zeros(N, bool))
    rows, _ = table(none, Halves(weight), directions=10)
    assert (
        rows.loc[("A × 1", "share"), "reason"]
        == "no successfully attacked image that the net gets right"
    )
    far = replace(
        exhibit, data=replace(exhibit.data, stack=torch.full((N, 1, 1, 9), 0.5), box=UNIT)
    )
    far = replace(far, distortion=np.full(N, 10.0))
    rows, _ = table(far, Halves(weight), directions=10, clipped=True)
    assert (
        rows.loc[("A × 1", "share"), "reason"]
        == "no direction reaches this distance within the box"
    )


def test_several_attacks_have_rows_of_their_own():
    exhibit, weight = cut(9)
    radii = [replace(exhibit, attack="pgd", eps=eps) for eps in (0.1, 0.2)]
    given = "e", 5, exhibit.data, radii, {"A": Halves(weight)}, 8, None
    parts = [*pockets.pockets(*given, multiples=[1], directions=8)]
    assert [len(part) for part in parts] == [0, N, N]  # memory holds one attack's rows at most
    cells = summary(whole(parts), labels={"A": "net A"})
    assert cells["row_label"].unique().tolist() == [
        "pgd at eps 0.1: net A × 1",
        "pgd at eps 0.2: net A × 1",
    ]
