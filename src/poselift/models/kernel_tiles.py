"""How kernels in Triton read and write blocks of rows."""

# mypy: disable-error-code="no-untyped-def"

import triton
import triton.language as tl


@triton.jit
def vector(pointer, index, size):
    """float32 at `index`, 0 from `size` on."""
    return tl.load(pointer + index, mask=index < size, other=0.0).to(tl.float32)


@triton.jit
def tile(pointer, row, t, length, channel, channels):
    """float32 (t, channel) of rows that are `row` apart; 0 outside."""
    inside = ((t >= 0) & (t < length))[:, None] & (channel < channels)[None, :]
    return tl.load(pointer + t[:, None] * row + channel[None, :], mask=inside, other=0.0).to(tl.float32)


@triton.jit
def store_tile(pointer, value, row, t, length, channel, channels):
    """Write what is inside."""
    inside = (t < length)[:, None] & (channel < channels)[None, :]
    tl.store(pointer + t[:, None] * row + channel[None, :], value, mask=inside)
