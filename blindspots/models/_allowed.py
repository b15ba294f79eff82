"""Operators of PyTorch's aten that an exported program may call, and their arguments.

They compute tensors from tensors and numbers, by arithmetic alone. Left out are operators that read
or write files (`from_file`), set global state (`manual_seed`), replace a tensor's memory (`set_`,
`resize_`), draw random numbers, or are for training, quantised or sparse tensors. The tests assert
what the schemas of the others say, and each call asserts it again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch._ops import OpOverload

from blindspots.interface import InputError

_NAMES = """
abs absolute acos acosh add addcdiv addcmul angle arccos arccosh arcsin arcsinh arctan arctan2
arctanh asin asinh atan atan2 atanh ceil clamp clamp_max clamp_min clip copysign cos cosh
deg2rad digamma div divide erf erfc erfinv exp exp2 expm1 fix float_power floor floor_divide
fmax fmin fmod frac heaviside hypot lerp lgamma log log10 log1p log2 logaddexp logaddexp2 logit
maximum minimum mul multiply nan_to_num neg negative positive pow rad2deg reciprocal remainder
round rsqrt rsub sgn sigmoid sign signbit sin sinc sinh special_expit special_log_softmax
special_softmax sqrt square sub subtract tan tanh true_divide trunc xlogy

__and__ __or__ __xor__ bitwise_and bitwise_not bitwise_or bitwise_xor eq ge greater
greater_equal gt isclose isfinite isinf isnan le less less_equal logical_and logical_not
logical_or logical_xor lt ne not_equal where

all amax amin aminmax any argmax argmin argsort count_nonzero cummax cummin cumprod cumsum
frobenius_norm kthvalue linalg_matrix_norm linalg_norm linalg_vector_norm logcumsumexp
logsumexp max mean median min msort nanmean nansum norm prod sort std std_mean sum topk trace
var var_mean

_cdist_forward _euclidean_dist addbmm addmm addmv addr baddbmm bilinear bmm cdist chain_matmul
cosine_similarity cross det dot einsum ger inner inverse kron linalg_cholesky linalg_cross
linalg_det linalg_householder_product linalg_inv linalg_matmul linalg_matrix_exp
linalg_matrix_power linalg_multi_dot linalg_pinv linalg_solve linalg_solve_triangular
linalg_vecdot linear matmul matrix_exp matrix_power mm mv norm_except_dim outer
pairwise_distance tensordot vdot _weight_norm

_shape_as_tensor _unsafe_view adjoint alias alias_copy as_strided atleast_1d
atleast_2d atleast_3d block_diag broadcast_tensors broadcast_to cartesian_prod cat
channel_shuffle chunk col2im column_stack concat concatenate diag diag_embed diagflat diagonal
diagonal_copy diagonal_scatter dsplit dstack expand expand_as expand_copy flatten flip fliplr
flipud hsplit hstack im2col mH mT matrix_H meshgrid moveaxis movedim narrow narrow_copy
native_channel_shuffle numpy_T permute permute_copy pixel_shuffle pixel_unshuffle ravel repeat
repeat_interleave reshape reshape_as roll rot90 row_stack select select_copy select_scatter
slice slice_copy slice_scatter split split_copy split_with_sizes split_with_sizes_copy squeeze
squeeze_copy stack swapaxes swapdims t t_copy tensor_split tile transpose transpose_copy tril
triu unbind unbind_copy unflatten unfold unfold_copy unsafe_chunk unsafe_split
unsafe_split_with_sizes unsqueeze unsqueeze_copy view view_as view_copy vsplit vstack

_unsafe_index _unsafe_index_put bucketize embedding gather index index_add index_copy
index_fill index_put index_select isin masked_fill masked_scatter masked_select nonzero
one_hot scatter scatter_add scatter_reduce searchsorted take take_along_dim

_pad_circular _pad_enum constant_pad_nd pad reflection_pad1d reflection_pad2d reflection_pad3d
replication_pad1d replication_pad2d replication_pad3d

_adaptive_avg_pool2d _adaptive_avg_pool3d _convolution _convolution_mode _upsample_bicubic2d_aa
_upsample_bilinear2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d
_upsample_nearest_exact3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d affine_grid_generator avg_pool1d
avg_pool2d avg_pool3d conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
convolution grid_sampler grid_sampler_2d grid_sampler_3d max_pool1d max_pool1d_with_indices
max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices max_unpool2d max_unpool3d
upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d
upsample_nearest3d upsample_trilinear3d

_fused_rms_norm _native_batch_norm_legit_no_training batch_norm group_norm instance_norm
layer_norm native_group_norm native_layer_norm renorm rms_norm

_log_softmax _prelu_kernel _safe_softmax _softmax celu elu gelu glu hardshrink hardsigmoid
hardswish hardtanh leaky_relu log_sigmoid log_sigmoid_forward log_softmax mish prelu relu relu6
selu silu softmax softplus softshrink threshold

gru_cell lstm_cell rnn_relu_cell rnn_tanh_cell

_conj _conj_physical _fft_c2c _fft_c2r _fft_r2c complex conj conj_physical fft_fft fft_fft2
fft_fftn fft_fftshift fft_ifft fft_ifft2 fft_ifftn fft_ifftshift fft_irfft fft_irfft2
fft_irfftn fft_rfft fft_rfft2 fft_rfftn imag polar real resolve_conj resolve_neg view_as_complex
view_as_real

_to_copy clone contiguous copy detach detach_copy fill full_like lift_fresh lift_fresh_copy
new_full new_ones new_zeros ones_like to type_as zero zeros_like
"""

NAMES = frozenset(_NAMES.split())
"""Operators from a tensor to tensors. With "_" appended, they overwrite their first argument."""

WITHOUT_TENSORS = {
    "arange", "empty", "eye", "full", "linspace", "logspace", "ones", "scalar_tensor",
    "tril_indices", "triu_indices", "zeros",
}  # fmt: skip
"""Operators that make tensors of numbers alone; `empty` makes zeros here."""

IN_EVALUATION = {
    "alpha_dropout", "dropout", "feature_alpha_dropout", "feature_dropout", "gru", "lstm",
    "native_dropout", "rnn_relu", "rnn_tanh", "rrelu", "scaled_dot_product_attention",
    "_scaled_dot_product_attention_math", "_scaled_dot_product_flash_attention_for_cpu",
}  # fmt: skip
"""Operators that draw random numbers in training alone."""

OF_SIZES = {"sym_numel", "sym_size", "sym_stride", "_assert_tensor_metadata"}
"""Operators that return or assert a property of a tensor."""

ALL = NAMES | WITHOUT_TENSORS | IN_EVALUATION | OF_SIZES

IN_TRAINING = IN_EVALUATION | {"batch_norm"}
"""Operators with an argument for training, which changes what they compute."""

TEXTS = {
    "_convolution_mode": "same|valid",
    "conv1d": "same|valid",
    "conv2d": "same|valid",
    "conv3d": "same|valid",
    "div": "floor|trunc",
    "divide": "floor|trunc",
    "einsum": r"[A-Za-z\s.,>-]*",
    "gelu": "none|tanh",
    "linalg_matrix_norm": "fro|nuc",
    "linalg_norm": "fro|nuc",
    "meshgrid": "ij|xy",
    "pad": "constant|reflect|replicate|circular",
    "scatter": "add|multiply",
    "scatter_reduce": "sum|prod|mean|amax|amin",
    "searchsorted": "left|right",
} | dict.fromkeys((name for name in NAMES if name.startswith("fft_")), "backward|forward|ortho")
"""Patterns of the texts that operators accept: options of a few words."""

Inputs = Sequence[Mapping[str, Any]]


def operator_of(name: str, overload: str, inputs: Inputs) -> OpOverload | None:
    """The operator that a program names, if it may be called like this; otherwise None.

    Args:
        name: name of the operator, such as "conv2d".
        overload: overload of the operator, such as "default".
        inputs: inputs of the call, as in a program: "name" and "arg" of each.

    Raises:
        InputError: arguments for training, or names that are not the operator's.
    """
    base = name if name in ALL else name.removesuffix("_")
    found = getattr(getattr(torch.ops.aten, name, None), overload, None) if base in ALL else None
    if not isinstance(found, OpOverload) or not _is_functional(found, name, base):
        return None
    known = {argument.name for argument in found._schema.arguments}
    if odd := [given["name"] for given in inputs if given["name"] not in known]:
        raise InputError(f"expected names of arguments of {name}, found {odd[0]!r}")
    arguments = {given["name"]: next(iter(given["arg"].values())) for given in inputs}
    if base in IN_TRAINING and any(
        arguments.get(key) for key in ("train", "training", "dropout_p")
    ):
        raise InputError("expected a model exported in evaluation mode, found one in training")
    texts = [given["arg"]["as_string"] for given in inputs if "as_string" in given["arg"]]
    return found if all(re.fullmatch(TEXTS.get(base, "(?!)"), text) for text in texts) else None


def _is_functional(found: OpOverload, name: str, base: str) -> bool:
    """Return whether an operator only computes tensors, or overwrites its first argument."""
    schema = found._schema
    written = [a.alias_info is not None and a.alias_info.is_write for a in schema.arguments]
    if any(written[1:]) or (any(written) and name == base):
        return False
    if base in OF_SIZES:
        return True
    takes = base in WITHOUT_TENSORS or any("Tensor" in str(a.type) for a in schema.arguments)
    return takes and bool(schema.returns) and all("Tensor" in str(r.type) for r in schema.returns)
