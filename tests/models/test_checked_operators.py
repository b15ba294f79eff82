"""Operators that would read other memory if sizes do not fit are checked before the call."""

import pytest
import torch

from blindspots.interface import InputError
from blindspots.models._operators import CHECKED, OPERATIONS

FITTING = {
    "scaled_dot_product_attention.default": [(1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4)],
    "_scaled_dot_product_flash_attention_for_cpu.default": [
        (1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4),
    ],
    "_native_batch_norm_legit_no_training.default": [(3, 4, 2), (4,), (4,), (4,), (4,), 0.1, 1e-5],
    "_weight_norm.default": [(6, 4), (6, 1), 0],
    "_upsample_bilinear2d_aa.default": [(1, 3, 8, 8), [4, 12], False, 0.5, 1.5],
    "_upsample_bicubic2d_aa.default": [(1, 3, 8, 8), [4, 12], False, None, None],
}  # fmt: skip
CRASHING = [
    ("scaled_dot_product_attention.default", 2, (1, 2, 50, 4)),
    ("_scaled_dot_product_flash_attention_for_cpu.default", 2, (1, 2, 50, 4)),
    ("_scaled_dot_product_flash_attention_for_cpu.default", 0, (10, 20, 3, 4)),
    *(("_native_batch_norm_legit_no_training.default", place, (1,)) for place in (1, 2, 3, 4)),
    ("_weight_norm.default", 1, (1, 1)),
    ("_upsample_bilinear2d_aa.default", 3, 1e-3),
    ("_upsample_bicubic2d_aa.default", 4, 1e-3),
]


def of_shapes(arguments):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(a, generator=generator) if type(a) is tuple else a for a in arguments]


@pytest.mark.parametrize("name", CHECKED)
def test_an_operator_whose_sizes_are_checked_here_is_pytorchs_where_they_fit(name):
    base, overload = name.split(".")
    arguments = of_shapes(FITTING[name])
    found, expected = (
        call(*arguments)
        for call in (OPERATIONS[name], getattr(getattr(torch.ops.aten, base), overload))
    )
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(("name", "place", "other"), CRASHING)
def test_sizes_that_would_read_other_memory_are_refused(name, place, other):
    arguments = [*FITTING[name]]
    arguments[place] = other
    with pytest.raises(InputError, match="whose sizes fit each other"):
        OPERATIONS[name](*of_shapes(arguments))
