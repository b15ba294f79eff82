"""The ledger of random witnesses and certificates in every norm, against plain loops."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindspots.jobs.ledger import LedgerError, build

SHAPE, CLASSES, LABEL, IMAGES = (2, 2, 2), 4, 0, 3
NORMS = ("l0", "l0_features", "l1", "l2", "linf")


def lengths(change):
    """Return the length of a perturbation in each norm, written out."""
    c, h, w = SHAPE
    flat = [abs(v) for v in change.ravel()]
    pixels = [any(change[k, i, j] for k in range(c)) for i in range(h) for j in range(w)]
    return {
        "l0": float(sum(pixels)), "l0_features": float(sum(v > 0 for v in flat)),
        "l1": math.fsum(flat), "l2": math.sqrt(math.fsum(v * v for v in flat)), "linf": max(flat),
    }  # fmt: skip


class World:
    """Random images of two nets, with attacks on them and certificates for them."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.shape = SHAPE
        self.lower = -rng.random(SHAPE)
        self.upper = 1 + rng.random(SHAPE)  # a box for each feature
        self.images = rng.uniform(self.lower, self.upper, (IMAGES, *SHAPE))
        places = list(itertools.product("AB", range(IMAGES)))
        self.witnesses = [self.witness(rng, *places[rng.integers(len(places))]) for _ in range(14)]
        tight = rng.choice([0.01, 0.3, 1.0])
        self.radii = [
            self.radius(rng, tight, *places[rng.integers(len(places))]) for _ in range(10)
        ]
        self.clean = [
            {"net": net, "index": index, "label": LABEL, "prediction": int(answer),
             "outcome": outcome_of(answer)}
            for (net, index), answer in zip(
                places, rng.choice([0, 0, 0, 1, 2, -1], len(places)), strict=True)
        ]  # fmt: skip

    def witness(self, rng, net, index):
        inside = rng.random() < 0.7
        change = rng.normal(0, 0.5, SHAPE) * (rng.random(SHAPE) < rng.random())
        image = self.images[index] + change
        image = np.clip(image, self.lower, self.upper) if inside else image
        image.flat[0] += 0 if inside else 5
        answer = int(rng.integers(-1, CLASSES))
        sure = bool(rng.random() < 0.8)
        wrong = answer not in (-1, LABEL) and (sure or rng.random() < 0.5)
        far = lengths(image - self.images[index])
        if rng.random() < 0.1:  # a minimal attack that failed
            far, wrong = dict.fromkeys(NORMS, np.nan), False
        return far | {
            "net": net, "index": index, "attack": f"w{rng.integers(10**9)}", "label": LABEL,
            "target": [pd.NA, 1, 2][rng.integers(3)], "attacked_prediction": answer,
            "mistaken": bool(wrong), "certain": sure, "inside": inside,
        }  # fmt: skip

    def radius(self, rng, tight, net, index):
        norm = str(rng.choice(["l0", "l1", "l2", "linf"]))
        value = float(rng.integers(0, 3)) if norm == "l0" else float(rng.exponential(tight))
        value = [value, value, value, 0.0, np.inf if tight < 0.1 and norm != "l0" else value,
                 np.nan][rng.integers(6)]  # fmt: skip
        return {
            "net": net, "index": index, "certificate": f"c{rng.integers(10**9)}", "norm": norm,
            "radius": value, "box": bool(rng.random() < 0.5),
            "target": [pd.NA, pd.NA, 1, 3][rng.integers(4)],
            "region": [None, None, None, "turned"][rng.integers(4)], "reason": None,
        }  # fmt: skip

    def reach(self, index):
        return np.maximum(self.images[index] - self.lower, self.upper - self.images[index])

    @property
    def ledger(self):
        attacks, radii, clean = (
            pd.DataFrame(rows).assign(seed=0, dataset="D", file="test")
            for rows in (self.witnesses, self.radii, self.clean)
        )
        return build(attacks, radii, clean, {("D", 0, "test"): self})


def outcome_of(answer):
    return "REJECTED" if answer < 0 else "RIGHT" if answer == LABEL else "WRONG"


def follows(world, radius, norm):
    """Return a certificate's radius in a norm, by the definition; None: none follows."""
    proved, r, m = radius["norm"], radius["radius"], 8
    if math.isnan(r) or radius["region"] is not None:
        return None
    if proved == "l0":
        return r if norm in ("l0", "l0_features") else None
    if norm in ("l0", "l0_features"):
        return r if r == 0 else fewest(world, radius, norm)
    worst = {  # the shortest in `norm` of all perturbations of length r in `proved`
        ("l1", "l2"): math.sqrt(m), ("l1", "linf"): m, ("l2", "linf"): math.sqrt(m),
    }  # fmt: skip
    return r / worst.get((proved, norm), 1)


def fewest(world, radius, norm):
    """Return the least number of pixels, or features, that can reach a length, over all sets."""
    far = world.reach(np.array([radius["index"]]))[0]
    whole = (slice(None),) if norm == "l0" else ()
    places = [
        (*whole, *at) for at in np.ndindex(SHAPE[1:] if norm == "l0" else SHAPE)
    ]  # fmt: skip
    for k in range(1, len(places) + 1):
        for some in itertools.combinations(places, k):
            change = np.zeros(SHAPE)
            for at in some:
                change[at] = far[at]
            if lengths(change)[radius["norm"]] * (1 + 1e-12) >= radius["radius"]:
                return float(k) if math.isfinite(radius["radius"]) else math.inf
    return math.inf


def reaches(witness, target):
    if target is None:
        return witness["mistaken"]
    same = witness["attacked_prediction"] == target
    return witness["mistaken"] and witness["certain"] and same


def brute(world):
    """Return the ledger's rows by net, image, norm and target, and whether any bounds cross."""
    rows, crossed = {}, False
    seen = {(w["net"], w["index"]) for w in world.witnesses}
    seen |= {(r["net"], r["index"]) for r in world.radii if r["region"] is None}
    for net, index in seen:
        witnesses, radii = (
            [row for row in found if (row["net"], row["index"]) == (net, index)]
            for found in (world.witnesses, world.radii)
        )
        asked = {None if row["target"] is pd.NA else row["target"]
                 for row in [*witnesses, *(r for r in radii if r["region"] is None)]}  # fmt: skip
        (clean,) = (c for c in world.clean if (c["net"], c["index"]) == (net, index))
        for norm, target in itertools.product(NORMS, asked | {None}):
            hits = [w for w in witnesses if reaches(w, target) and not math.isnan(w[norm])]
            inside = [w[norm] for w in hits if w["inside"]]
            if clean["outcome"] == "WRONG" and target in (None, clean["prediction"]):
                inside.append(0.0)
            lower, free = [], []
            for r in radii:
                value = follows(world, r, norm)
                if value is None or not (r["target"] is pd.NA or r["target"] == target):
                    continue
                lower.append(value)
                if not r["box"] and norm not in ("l0", "l0_features"):
                    free.append(value)
            bounds = min(inside, default=math.nan), max(lower, default=math.nan)
            outside = [w[norm] for w in hits if not w["inside"]]
            crossed |= bounds[1] > bounds[0]
            crossed |= max(free, default=-1) > min(outside, default=math.inf)
            rows[net, index, norm, target] = bounds
    return rows, crossed


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_ledger_is_what_plain_loops_find(seed):
    world = World(seed)
    expected, crossed = brute(world)
    if crossed:
        with pytest.raises(LedgerError, match="expected the certified radius in l"):
            assert world.ledger is None
        return
    ledger = world.ledger
    found = {
        (row.net, row.index, row.norm, None if pd.isna(row.target) else row.target): row
        for row in ledger.itertuples(index=False)
    }
    assert found.keys() == expected.keys() and len(ledger) == len(found)
    names = {w["attack"]: w for w in world.witnesses}
    for key, (upper, lower) in expected.items():
        row, norm = found[key], key[2]
        assert row.upper == pytest.approx(upper, rel=1e-15, nan_ok=True)
        assert row.lower == pytest.approx(lower, rel=1e-14, nan_ok=True)
        assert not row.lower > lower  # never rounded up
        assert (row.goal == "any") == (key[3] is None)
        if isinstance(row.attack, str):
            assert names[row.attack][norm] == row.upper and names[row.attack]["inside"]


def test_some_worlds_have_bounds_that_cross_and_some_have_both():
    every = [brute(World(seed)) for seed in range(100)]
    assert 10 < sum(crossed for _, crossed in every) < 90
    both = [not np.isnan(b).any() for rows, crossed in every if not crossed for b in rows.values()]
    assert 0.1 < np.mean(both) < 0.9
