"""The graph over similar frames as Triton kernels: which frames are linked, and sums over those that are.

The similarities of a block of frames with all frames of their sequence stay in registers. What is written of
the T x T links is a bit each, 32 to a word (frame, word) where bit k of word w is the link to frame 32 w + k,
and of each frame the inverse square root of how many it has.

Frames past the end have no links. Similarities are summed as exactly as in float32 (in three products of
TF32 on a GPU), as coarser ones would make ties, hence links, of what is only close.
"""

# mypy: disable-error-code="no-untyped-def"

import triton
import triton.language as tl


@triton.jit
def link_similar(
    x, links, scale, frames,
    dim: tl.constexpr, ROWS: tl.constexpr, FRAMES: tl.constexpr, WORDS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    """`links` (b, t, words) and `scale` (b, t) of `x` (b, t, dim), a program for a block of frames.

    A frame is linked to all that are at least as similar as the second of the two most similar ones.
    """
    sequence = tl.program_id(0).to(tl.int64)
    row, column = tl.program_id(1) * ROWS + tl.arange(0, ROWS), tl.arange(0, FRAMES)
    x += sequence * frames * dim
    similarity = tl.zeros([ROWS, FRAMES], tl.float32)
    for first in range(0, dim, CHANNELS):
        channel = first + tl.arange(0, CHANNELS)
        here = (row < frames)[:, None] & (channel < dim)[None, :]
        there = (channel < dim)[:, None] & (column < frames)[None, :]
        a = tl.load(x + row[:, None] * dim + channel[None, :], mask=here, other=0.0).to(tl.float32)
        b = tl.load(x + column[None, :] * dim + channel[:, None], mask=there, other=0.0).to(tl.float32)
        similarity = tl.dot(a, b, similarity, input_precision="tf32x3")
    similarity = tl.where((column < frames)[None, :], similarity, float("-inf"))
    most = tl.max(similarity, 1)
    is_most = similarity == most[:, None]
    second = tl.max(tl.where(is_most, float("-inf"), similarity), 1)
    second = tl.where(tl.sum(is_most.to(tl.int32), 1) > 1, most, second)
    linked = (similarity >= second[:, None]).to(tl.int32)
    degree = tl.sum(linked, 1).to(tl.float32)
    words = tl.sum(tl.reshape(linked, [ROWS, WORDS, 32]) << tl.arange(0, 32)[None, None, :], 2)
    inside = row < frames
    tl.store(scale + sequence * frames + row, tl.rsqrt(degree), mask=inside)
    place = (sequence * frames + row[:, None]) * WORDS + tl.arange(0, WORDS)[None, :]
    tl.store(links + place, words, mask=inside[:, None])


@triton.jit
def sum_over_links(
    values, links, scale, out, frames,
    dim: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DIM: tl.constexpr, WORDS: tl.constexpr,
    TRANSPOSED: tl.constexpr,
):  # fmt: skip
    """`out` (b, t, dim) = D^-1/2 A D^-1/2 `values`, or with the transpose of the links A; a program for a
    block of frames."""
    sequence = tl.program_id(0).to(tl.int64)
    row, channel = tl.program_id(1) * ROWS + tl.arange(0, ROWS), tl.arange(0, DIM)
    values += sequence * frames * dim
    links += sequence * frames * WORDS
    scale += sequence * frames
    total = tl.zeros([ROWS, DIM], tl.float32)
    for first in range(0, frames, COLUMNS):
        column = first + tl.arange(0, COLUMNS)
        there = (column < frames)[:, None] & (channel < dim)[None, :]
        value = tl.load(values + column[:, None] * dim + channel[None, :], mask=there, other=0.0)
        rate = tl.load(scale + column, mask=column < frames, other=0.0)
        both = (row < frames)[:, None] & (column < frames)[None, :]
        if TRANSPOSED:
            word, bit = column[None, :] * WORDS + (row // 32)[:, None], (row % 32)[:, None]
        else:
            word, bit = row[:, None] * WORDS + (column // 32)[None, :], (column % 32)[None, :]
        linked = (tl.load(links + word, mask=both, other=0) >> bit) & 1
        total = tl.dot(linked.to(tl.float32), value.to(tl.float32) * rate[:, None], total)
    inside = row < frames
    total *= tl.load(scale + row, mask=inside, other=0.0)[:, None]
    here = inside[:, None] & (channel < dim)[None, :]
    tl.store(out + (sequence * frames + row[:, None]) * dim + channel[None, :], total, mask=here)
