"""Convolutions by frequencies: equation 1 of Szegedy et al. 2013, section 4.3, corrected.

A convolution with stride Δ on a torus decomposes into one matrix for each frequency ξ of the
coarse grid, A(ξ) of shape (D, C Δ²): the kernel's Fourier coefficients at the Δ² frequencies that
are aliases of ξ, times Δ⁻¹. (The paper prints Δ⁻², which is Δ times too small, the exponent
−2πi u·ξ/N² for /N, and a grid of the kernel's size for the image's.) The norm of the convolution is
the largest of their singular values. On a torus of the size of the image and what the kernel
reaches beyond it, this is an upper bound for zero padding: the padded operator is a part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod, sqrt
from typing import NamedTuple

import numpy as np
from torch import nn

from blindspots.bounds.matrices import UNIT

CHUNK = 2**22
"""Complex numbers of A(ξ) in memory at a time."""


class Spectrum(NamedTuple):
    """The ends of the singular values of a convolution on a torus.

    Attributes:
        norm: the largest.
        printed: the same with the factor Δ⁻² that the paper prints, to compare with its Table 5.
        frame: the lower frame bound (section 4.3): the largest a with ‖Wx‖ ≥ a ‖x‖ for all x on
            the torus, within 1e-7 of the norm; 0 where W is not injective.
    """

    norm: float
    printed: float
    frame: float


def spectrum(layer: nn.Conv2d, input_shape: Sequence[int]) -> Spectrum:
    """Spectrum of the convolution on the smallest torus whose norm is an upper bound, in float64.

    Args:
        layer: a convolution of any stride, dilation and groups.
        input_shape: (channels, height, width) of one input, padded with zeros.
    """
    eigenvalues = list(_eigenvalues(layer, input_shape))
    lowest = np.sqrt(max(min(values[:, 0].min() for values in eigenvalues), 0.0))
    highest = np.sqrt(max(max(values[:, -1].max() for values in eigenvalues), 0.0))
    aliases = prod(layer.stride)
    injective = layer.out_channels >= layer.in_channels * aliases
    return Spectrum(float(highest), float(highest / sqrt(aliases)), float(injective * lowest))


def upper_fourier_norm(layer: nn.Conv2d, norm: float) -> float:
    """A spectrum's norm rounded outwards: proven not to be below the zero-padded operator's.

    The eigenvalues of a Hermitian matrix are backward stable: within a small multiple of its side
    and of the unit roundoff of the largest.
    """
    side = layer.weight[0].numel() * prod(layer.stride) + layer.out_channels
    return norm * (1 + 64 * side * UNIT)


def torus(layer: nn.Conv2d, input_shape: Sequence[int]) -> tuple[int, int]:
    """The smallest torus on which the convolution contains the zero-padded one."""
    sizes = zip(input_shape[-2:], layer.kernel_size, layer.dilation, layer.stride, strict=True)
    height, width = (-(-(n + δ * (k - 1)) // Δ) * Δ for n, k, δ, Δ in sizes)
    return height, width


def _eigenvalues(layer: nn.Conv2d, input_shape: Sequence[int]) -> Iterator[np.ndarray]:
    """Eigenvalues of A(ξ)* A(ξ), or of A(ξ) A(ξ)* if that is smaller, ascending, by chunks.

    Each group has its own, since the operator is block diagonal.
    """
    height, width = torus(layer, input_shape)
    Δh, Δw = layer.stride
    rows, columns = height // Δh, width // Δw
    weight = layer.weight.detach().cpu().double().numpy()
    weight = weight.reshape(layer.groups, -1, weight.shape[1], weight[0, 0].size)
    # half of the coarse frequencies: the matrices of −ξ are the conjugates of those of ξ
    all_ξ = ((i, j) for i in range(rows) for j in range(columns))
    half = np.array([ξ for ξ in all_ξ if ξ <= (-ξ[0] % rows, -ξ[1] % columns)])
    aliases = np.array([(a * rows, b * columns) for a in range(Δh) for b in range(Δw)])
    u = np.indices(layer.kernel_size).reshape(2, -1) * np.array(layer.dilation)[:, None]
    for ξ in np.array_split(half, -(-len(half) * weight[0, :, :, 0].size * Δh * Δw // CHUNK)):
        exponents = ((ξ[:, None, :] + aliases) / (height, width)) @ u
        phases = np.exp(-2j * np.pi * exponents)  # (frequencies, aliases, taps)
        for w in weight:
            A = np.einsum("dcu,flu->fdcl", w, phases, optimize=True) / np.sqrt(Δh * Δw)
            A = A.reshape(len(ξ), len(w), -1)
            adjoint = A.conj().transpose(0, 2, 1)
            yield np.linalg.eigvalsh(A @ adjoint if A.shape[1] <= A.shape[2] else adjoint @ A)
