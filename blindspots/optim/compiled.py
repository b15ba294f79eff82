"""The steps of `Batch`, compiled for the processor.

The vectors of one problem stay in the innermost cache from first to last use, whereas each tensor
operation would move those of the whole batch through the processor. `batch` explains what is
computed and why; the tests run both.
"""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numba
import numpy as np
import torch
from torch import Tensor

from blindspots.optim.batch import CURVATURE, ROUNDINGS, SUFFICIENT_DECREASE, UNDAMPED, Batch, Trial

FEWEST = 16
"""Number of problems that justify another thread."""
KNOWN, TINY = CURVATURE
# Sums may be reordered, for vector registers; NaN and infinity keep their meaning.
_compiled = numba.njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"}
)


class CompiledBatch(Batch):
    """A `Batch` on the processor."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.points = torch.empty_like(self.x)  # kept, since allocating so much memory is slow

    def _propose(self, oldest: int) -> Trial:
        slope, scale = torch.empty_like(self.value), torch.empty_like(self.value)
        trial = Trial(self.points[: len(self.rows)], slope, scale)
        state = (self.x, self.gradient, self.change, self.damping, self.work)
        weight = self.weight[self.rows]
        bounds = self.rows, self.lower, self.upper
        _split(_propose, oldest, *bounds, weight, *state, *trial)
        return trial

    def _judge(self, oldest: int, trial: Trial, value: Tensor, gradient: Tensor) -> None:
        self.moved = torch.empty_like(self.value)
        self.accepted, self.finite = (
            torch.empty_like(self.rows, dtype=torch.bool) for _ in range(2)
        )
        new = value, gradient.contiguous()
        state = (self.x, self.value, self.gradient, self.change, self.distance, self.damping)
        seen = self.failures, self.work, self.moved, self.accepted, self.finite
        _split(_judge, oldest, self.weight[self.rows], *trial, *new, *state, *seen)


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="lbfgs")


def _split(kernel, oldest: int, *tensors: Tensor) -> None:
    """Run a kernel on all problems, in as many threads as PyTorch may use."""
    arrays = [tensor.numpy() for tensor in tensors]
    count = len(tensors[-1])
    parts = max(1, min(torch.get_num_threads(), count // FEWEST))
    ends = [count * part // parts for part in range(parts + 1)]
    others = [
        _threads(parts - 1).submit(kernel, first, last, oldest, *arrays)
        for first, last in itertools.pairwise(ends[1:])
    ]
    kernel(0, ends[1], oldest, *arrays)
    for other in others:
        other.result()


@_compiled
def _dot(a, b):
    total = a.dtype.type(0)
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


@_compiled
def _propose(
    first, last, oldest, rows, lower, upper, weight, x, gradient, change, damping, work,
    trial, slope, scale,
):  # fmt: skip
    """`Batch._propose` for the problems in places first … last − 1."""
    count, d = work.shape[1:]
    real = work.dtype.type
    gram, coefficients = np.zeros((count, count)), np.zeros(count)
    for i in range(first, last):
        low, high = lower[rows[i] % len(lower)], upper[rows[i] % len(upper)]
        here, of_f, away, pairs, there = x[i], gradient[i], change[i], work[i], trial[i]
        g = pairs[-1]
        twice = real(2) * weight[i]
        for j in range(d):
            total = of_f[j] + twice * away[j]
            free = min(max(here[j] - total, low[j]), high[j]) != here[j]
            g[j] = total if free else real(0)
        for a in range(count):
            for b in range(a, count):
                gram[a, b] = gram[b, a] = _dot(pairs[a], pairs[b])
        scale[i] = _coefficients(gram, oldest, weight[i], damping[i], coefficients)
        there[:] = 0
        for a in range(count):
            factor = real(coefficients[a])
            if factor != 0:
                row = pairs[a]
                for j in range(d):
                    there[j] += factor * row[j]
        step = pairs[oldest]
        for j in range(d):
            end = min(max(here[j] - there[j], low[j]), high[j])
            there[j] = end if g[j] != 0 else here[j]
            step[j] = there[j] - here[j]
        slope[i] = _dot(step, g)
        if not slope[i] < 0:
            for j in range(d):
                there[j] = min(max(here[j] - scale[i] * g[j], low[j]), high[j])
                step[j] = there[j] - here[j]
            slope[i] = _dot(step, g)


@_compiled
def _coefficients(gram, oldest, weight, damping, out):
    """`Batch._coefficients` for one problem, in float64: H g into `out` (2m + 1), γ returned."""
    m = len(out) // 2
    shift = 2.0 * weight + damping
    used = np.empty(m, np.int64)  # places of the pairs that are usable, oldest first
    n = 0
    ratio = 0.0
    for age in range(m):
        s = (oldest + age) % m
        y = m + s
        length, curvature = gram[s, s], gram[s, y] + shift * gram[s, s]
        change = gram[y, y] + shift * (2 * gram[s, y] + shift * length)
        if curvature > KNOWN * shift * length + TINY * math.sqrt(length * change):
            used[n] = s
            n += 1
            ratio = curvature / change
    if weight > 0:
        γ = 1 / shift
    elif n > 0:
        γ = ratio
    else:
        γ = 1 / (max(math.sqrt(gram[-1, -1]), 1.0) + damping)
    out[:] = 0
    out[-1] = γ
    u = np.empty(n)
    for a in range(n - 1, -1, -1):
        s = used[a]
        u[a] = gram[s, -1]
        for b in range(a + 1, n):
            u[a] -= (gram[s, m + used[b]] + shift * gram[s, used[b]]) * u[b]
        u[a] /= gram[s, m + s] + shift * gram[s, s]
    for a in range(n):
        s, y = used[a], m + used[a]
        right = -γ * (gram[y, -1] + shift * gram[s, -1])
        for b in range(n):
            t, z = used[b], m + used[b]
            y_y = gram[y, z] + shift * (gram[s, z] + gram[y, t] + shift * gram[s, t])
            right += γ * y_y * u[b]
            if b < a:
                right -= (gram[t, y] + shift * gram[t, s]) * out[t]
        out[s] = u[a] + right / (gram[s, y] + shift * gram[s, s])
    for a in range(n):
        out[used[a]] -= shift * γ * u[a]
        out[m + used[a]] = -γ * u[a]
    return γ


@_compiled
def _judge(
    first, last, oldest, weight, trial, slope, scale, new_value, new_gradient,
    x, value, gradient, change, distance, damping, failures, work, moved, accepted, finite,
):  # fmt: skip
    """`Batch._judge` for the problems in places first … last − 1."""
    m, d = work.shape[1] // 2, work.shape[2]
    real = work.dtype.type
    rounding = ROUNDINGS * np.finfo(work.dtype).eps
    for i in range(first, last):
        step, y, g = work[i, oldest], work[i, m + oldest], work[i, -1]
        here, before, after, away = x[i], gradient[i], new_gradient[i], change[i]
        length, total, squares = real(0), real(0), real(0)
        for j in range(d):
            far = away[j] + step[j]
            squares += far * far
            length += step[j] * step[j]
            total += after[j]
            y[j] = after[j] - before[j] if g[j] != 0 else real(0)
        moved[i] = math.sqrt(length)
        w = weight[i]
        rise = new_value[i] - value[i] + w * (squares - distance[i])
        most = SUFFICIENT_DECREASE * slope[i] + rounding * (abs(new_value[i]) + w * squares)
        finite[i] = math.isfinite(new_value[i]) and math.isfinite(total)
        accepted[i] = finite[i] and rise <= most
        if not finite[i]:
            step[:] = y[:] = 0
        if accepted[i]:
            value[i], distance[i], failures[i] = new_value[i], squares, 0
            damping[i] = damping[i] / 2 if damping[i] * scale[i] >= 2 * UNDAMPED else 0
            for j in range(d):
                here[j] = trial[i, j]
                before[j] = after[j]
                away[j] += step[j]
        else:
            failures[i] += 1
            damping[i] = max(4 * damping[i], 1 / scale[i])
