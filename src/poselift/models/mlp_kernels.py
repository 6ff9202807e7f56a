"""The second half of a residual block, y = x + scale MLP(LN(x)), as Triton kernels, forward and backward.

In half precision products are cheap and memory is slow: what is as wide as the hidden layer never leaves a
program but is computed again where it is needed. A program has `ROWS` tokens and walks the hidden channels in
slices, or has a slice and walks the tokens. Letters as in an MLP: u = W1 n + b1 with n = LN(x), h = GELU(u),
y = x + scale (W2 h + b2); `d_y` is the gradient of the loss with respect to y.

- Tokens are rows of `dim` channels, W1 (hidden, dim) and W2 (dim, hidden) as `nn.Linear` has them, in half
  precision. What products are given is rounded to that, sums are in float32.
- What several programs add to, each writes apart, for torch to sum: no atomics, the same bits each time.
- Blocks are powers of two; channels and rows past the end are zeros.
"""

# mypy: disable-error-code="no-untyped-def"

import triton
import triton.language as tl

from poselift.models.kernel_tiles import store_tile, tile, vector


@triton.jit
def _weights(pointer, row, rows, column, columns, stride_row, stride_column):
    """What the pointer has at (row, column), 0 outside."""
    inside = (row < rows)[:, None] & (column < columns)[None, :]
    place = row[:, None] * stride_row + column[None, :] * stride_column
    return tl.load(pointer + place, mask=inside, other=0.0)


@triton.jit
def _standardised(x, channel, dim, eps):
    """(x - mean) / deviation of each row, and 1 / deviation: layer norm before its weights."""
    centred = tl.where((channel < dim)[None, :], x - (tl.sum(x, 1) / dim)[:, None], 0.0)
    scale = tl.rsqrt(tl.sum(centred * centred, 1) / dim + eps)
    return centred * scale[:, None], scale


@triton.jit
def _normal_cdf(u):
    return 0.5 * (1.0 + tl.erf(u * 0.7071067811865476))


@triton.jit
def _gelu_slope(u):
    return _normal_cdf(u) + u * tl.exp(-0.5 * u * u) * 0.3989422804014327


@triton.jit
def mlp_forward(
    x, norm_weight, norm_bias, w1, b1, w2, b2, scale, y, rows, eps,
    dim: tl.constexpr, hidden: tl.constexpr,
    ROWS: tl.constexpr, DIM: tl.constexpr, SLICE: tl.constexpr,
):  # fmt: skip
    """y like x, a program for a block of rows."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    channel = tl.arange(0, DIM)
    half: tl.constexpr = w1.dtype.element_ty
    here = tile(x, dim, row, rows, channel, dim)
    n, _ = _standardised(here, channel, dim, eps)
    n = n * vector(norm_weight, channel, dim)[None, :] + vector(norm_bias, channel, dim)[None, :]
    n = n.to(half)
    out = tl.zeros([ROWS, DIM], tl.float32)
    for first in range(0, hidden, SLICE):
        k = first + tl.arange(0, SLICE)
        u = tl.dot(n, _weights(w1, channel, dim, k, hidden, 1, dim)) + vector(b1, k, hidden)[None, :]
        h = (u * _normal_cdf(u)).to(half)
        out = tl.dot(h, _weights(w2, k, hidden, channel, dim, 1, hidden), out)
    out = (out + vector(b2, channel, dim)[None, :]) * vector(scale, channel, dim)[None, :]
    store_tile(y, here + out, dim, row, rows, channel, dim)


@triton.jit
def mlp_backward_input(
    d_y, x, norm_weight, norm_bias, w1, b1, w2, scale, d_x, d_norm, rows, eps,
    dim: tl.constexpr, hidden: tl.constexpr,
    ROWS: tl.constexpr, DIM: tl.constexpr, SLICE: tl.constexpr,
):  # fmt: skip
    """d_x like x, and `d_norm` (programs, 2, dim) of the norm's weight and bias."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    channel = tl.arange(0, DIM)
    half: tl.constexpr = w1.dtype.element_ty
    weight = vector(norm_weight, channel, dim)[None, :]
    standard, _ = _standardised(tile(x, dim, row, rows, channel, dim), channel, dim, eps)
    n = (standard * weight + vector(norm_bias, channel, dim)[None, :]).to(half)
    d_out = (tile(d_y, dim, row, rows, channel, dim) * vector(scale, channel, dim)[None, :]).to(half)
    d_n = tl.zeros([ROWS, DIM], tl.float32)
    for first in range(0, hidden, SLICE):
        k = first + tl.arange(0, SLICE)
        u = tl.dot(n, _weights(w1, channel, dim, k, hidden, 1, dim)) + vector(b1, k, hidden)[None, :]
        d_h = tl.dot(d_out, _weights(w2, channel, dim, k, hidden, hidden, 1))
        d_u = (d_h * _gelu_slope(u)).to(half)
        d_n = tl.dot(d_u, _weights(w1, k, hidden, channel, dim, dim, 1), d_n)
    tl.debug_barrier()  # so that it is read again: kept, it would spill registers
    standard, rate = _standardised(tile(x, dim, row, rows, channel, dim), channel, dim, eps)
    d_here = tile(d_y, dim, row, rows, channel, dim)
    sums = d_norm + tl.program_id(0).to(tl.int64) * 2 * dim + channel
    tl.store(sums, tl.sum(d_n * standard, 0), mask=channel < dim)
    tl.store(sums + dim, tl.sum(d_n, 0), mask=channel < dim)
    d_standard = d_n * weight
    along = tl.sum(d_standard * standard, 1) / dim
    d_here += rate[:, None] * (
        d_standard - (tl.sum(d_standard, 1) / dim)[:, None] - standard * along[:, None]
    )
    store_tile(d_x, d_here, dim, row, rows, channel, dim)


@triton.jit
def mlp_backward_weights(
    d_y, x, norm_weight, norm_bias, w1, b1, w2, scale, d_w1, outer, d_b1, sum_d_y, rows, eps,
    dim: tl.constexpr, hidden: tl.constexpr, BLOCKS: tl.constexpr,
    ROWS: tl.constexpr, DIM: tl.constexpr, SLICE: tl.constexpr,
):  # fmt: skip
    """Sums over `BLOCKS` blocks of rows, of a slice of the hidden channels: of W1 (parts, hidden, dim) and
    b1 (parts, hidden), `outer` = sum of d_y h^T (parts, dim, hidden), and of `d_y` (parts, dim)."""
    part = tl.program_id(0).to(tl.int64)
    k = tl.program_id(1) * SLICE + tl.arange(0, SLICE)
    channel = tl.arange(0, DIM)
    half: tl.constexpr = w1.dtype.element_ty
    weight = vector(norm_weight, channel, dim)[None, :]
    bias = vector(norm_bias, channel, dim)[None, :]
    rate = vector(scale, channel, dim)[None, :]
    first_layer = _weights(w1, channel, dim, k, hidden, 1, dim)
    second_layer = _weights(w2, channel, dim, k, hidden, hidden, 1)
    first_bias = vector(b1, k, hidden)[None, :]
    sum_w1 = tl.zeros([SLICE, DIM], tl.float32)
    sum_outer = tl.zeros([SLICE, DIM], tl.float32)
    sum_b1 = tl.zeros([SLICE], tl.float32)
    sum_y = tl.zeros([DIM], tl.float32)
    for block in range(BLOCKS):
        row = (part * BLOCKS + block) * ROWS + tl.arange(0, ROWS)
        standard, _ = _standardised(tile(x, dim, row, rows, channel, dim), channel, dim, eps)
        n = (standard * weight + bias).to(half)
        d_here = tile(d_y, dim, row, rows, channel, dim)
        u = tl.dot(n, first_layer) + first_bias
        d_h = tl.dot((d_here * rate).to(half), second_layer)
        d_u = d_h * _gelu_slope(u)
        sum_w1 = tl.dot(tl.trans(d_u.to(half)), n, sum_w1)
        sum_b1 += tl.sum(d_u, 0)
        h = (u * _normal_cdf(u)).to(half)
        sum_outer = tl.dot(tl.trans(h), d_here.to(half), sum_outer)
        sum_y += tl.sum(d_here, 0)
    inside = (k < hidden)[:, None] & (channel < dim)[None, :]
    tl.store(d_w1 + (part * hidden + k[:, None]) * dim + channel[None, :], sum_w1, mask=inside)
    tl.store(outer + (part * dim + channel[None, :]) * hidden + k[:, None], sum_outer, mask=inside)
    tl.store(d_b1 + part * hidden + k, sum_b1, mask=k < hidden)
    tl.store(sum_d_y + part * dim + channel, sum_y, mask=(channel < dim) & (tl.program_id(1) == 0))
