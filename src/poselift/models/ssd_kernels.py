"""What lies between the projections of a Mamba-2 layer as Triton kernels, each forward and backward.

Three steps: convolution and SiLU; the state space model with softplus and D; gate and norm. Each reads its
inputs once and writes its outputs once. The mathematics is that of Dao and Gu (ICML 2024), section 6, and its
derivatives. Letters are the paper's: b sequences of `length` steps, `heads` of p channels, a state of n by p;
C, B (l, n) and x (l, p) of the l steps of a chunk, s where two steps of it meet. `d_y` is the gradient of the
loss with respect to y.

- A row of `projected`, a step of a sequence, has z (heads p), x (heads p), B (n), C (n), dt (heads). `mixed`
  is x, B and C after convolution and SiLU, in rows of `channels` = heads p + 2 n.
- A program of the scan is one head of one sequence. It walks the chunks forwards, or back, with the state, or
  its gradient, in registers. A state of more than N channels is cut into `parts`, which know nothing of one
  another: each has a program of its own, and what comes out of them adds up.
- A sequence that is read backwards (`REVERSE`) starts in its last row; its rows are a negative step apart.
- Sums are in float32, whatever the tensors have. Products of half precision are rounded to TF32
  (`PRECISION`): no coarser than what they come from, with the range of float32.
- What several programs add to, each writes apart, for torch to sum: no atomics, the same bits each time.
- Blocks are powers of two, and at least 16 where they meet in products. Channels past the end are zeros.
  Steps past the end have dt = 0, by which they neither decay the state nor add to it, and gradients of 0.
"""

# mypy: disable-error-code="no-untyped-def"

import triton
import triton.language as tl

from poselift.models.kernel_tiles import store_tile, tile, vector


@triton.jit
def _silu(x):
    return x * tl.sigmoid(x)


@triton.jit
def _silu_slope(x):
    gate = tl.sigmoid(x)
    return gate * (1 + x * (1 - gate))


@triton.jit
def _softplus(x):
    """log(1 + exp(x)), to full precision where exp(x) is small (Kahan's log1p)."""
    small = tl.exp(-tl.abs(x))
    one_more = 1 + small
    lost = one_more == 1
    log1p = tl.log(one_more) * (small / tl.where(lost, 1.0, one_more - 1))
    return tl.maximum(x, 0.0) + tl.where(lost, small, log1p)


@triton.jit
def _convolution(x, row, weight, bias, t, length, channel, channels, TAPS: tl.constexpr):
    """y_t = bias + sum over k of weight_k x_{t - TAPS + 1 + k}, by channel; x is 0 before the first step."""
    y = tl.zeros([t.shape[0], channel.shape[0]], tl.float32) + vector(bias, channel, channels)[None, :]
    for k in tl.static_range(TAPS):
        tap = tl.load(weight + channel * TAPS + k, mask=channel < channels, other=0.0).to(tl.float32)
        y += tap[None, :] * tile(x, row, t - (TAPS - 1 - k), length, channel, channels)
    return y


@triton.jit
def convolution_forward(
    projected, weight, bias, mixed, length,
    inner: tl.constexpr, channels: tl.constexpr, width: tl.constexpr,
    REVERSE: tl.constexpr, TAPS: tl.constexpr, STEPS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    """`mixed` = SiLU(convolution of x, B and C), a program for a block of steps and channels."""
    sequence = tl.program_id(0).to(tl.int64)
    t = tl.program_id(1) * STEPS + tl.arange(0, STEPS)
    channel = tl.program_id(2) * CHANNELS + tl.arange(0, CHANNELS)
    sign: tl.constexpr = -1 if REVERSE else 1
    first = sequence * length + (length - 1 if REVERSE else 0)
    x = projected + first * width + inner
    y = _convolution(x, sign * width, weight, bias, t, length, channel, channels, TAPS)
    store_tile(mixed + first * channels, _silu(y), sign * channels, t, length, channel, channels)


@triton.jit
def convolution_backward(
    projected, weight, bias, d_mixed, d_projected, d_weight, d_bias, length,
    inner: tl.constexpr, channels: tl.constexpr, width: tl.constexpr,
    REVERSE: tl.constexpr, TAPS: tl.constexpr, STEPS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    """x, B and C of `d_projected`; by sequence `d_weight` (b, channels, TAPS) and `d_bias` (b, channels).

    A program for a block of channels of a sequence. With y the convolution's output and d_y = d_mixed
    SiLU'(y): d_x_t = sum over k of weight_k d_y_{t + TAPS - 1 - k}.
    """
    sequence = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    sign: tl.constexpr = -1 if REVERSE else 1
    row: tl.constexpr = sign * width
    first = sequence * length + (length - 1 if REVERSE else 0)
    x = projected + first * width + inner
    d_x = d_projected + first * width + inner
    d_mixed += first * channels
    taps = tl.arange(0, TAPS)
    sum_weight = tl.zeros([CHANNELS, TAPS], tl.float32)
    sum_bias = tl.zeros([CHANNELS], tl.float32)
    for start in range(0, length, STEPS):
        t = start + tl.arange(0, STEPS)
        now = tile(x, row, t, length, channel, channels)
        total = tl.zeros([STEPS, CHANNELS], tl.float32)
        for k in tl.static_range(TAPS):
            later = t + (TAPS - 1 - k)
            y = _convolution(x, row, weight, bias, later, length, channel, channels, TAPS)
            d_y = _silu_slope(y) * tile(d_mixed, sign * channels, later, length, channel, channels)
            total += vector(weight + k, channel * TAPS, channels * TAPS)[None, :] * d_y
            sum_weight += tl.where(taps == k, 1.0, 0.0)[None, :] * tl.sum(d_y * now, 0)[:, None]
            if k == TAPS - 1:
                sum_bias += tl.sum(d_y, 0)
        store_tile(d_x, total, row, t, length, channel, channels)
    d_weight += (sequence * channels + channel[:, None]) * TAPS + taps[None, :]
    tl.store(d_weight, sum_weight, mask=(channel < channels)[:, None])
    tl.store(d_bias + sequence * channels + channel, sum_bias, mask=channel < channels)


@triton.jit
def _step_sizes(dt, row, bias, t, length):
    """dt before its softplus, and after it: 0 past the end."""
    inside = t < length
    raw = tl.load(dt + t * row, mask=inside, other=0.0).to(tl.float32) + bias
    return raw, tl.where(inside, _softplus(raw), 0.0)


@triton.jit
def _decays(dt, A):
    """Of the logarithm of the decay: from the chunk's start to each step (l,), over the chunk, and what is
    left from each step on (l, s), 0 for s > l."""
    step = tl.arange(0, dt.shape[0])
    log_decay = tl.cumsum(dt * A, 0)
    total = tl.sum(tl.where(step == dt.shape[0] - 1, log_decay, 0.0))
    between = tl.where(step[:, None] >= step[None, :], log_decay[:, None] - log_decay[None, :], float("-inf"))
    return log_decay, total, tl.exp(between)


@triton.jit
def scan_forward(
    projected, mixed, A_log, D, dt_bias, y, states, length,
    heads: tl.constexpr, p: tl.constexpr, n: tl.constexpr,
    REVERSE: tl.constexpr, L: tl.constexpr, P: tl.constexpr, N: tl.constexpr,
    PRECISION: tl.constexpr, KEEP_STATES: tl.constexpr,
):  # fmt: skip
    """y (parts, b, t, heads p), and with `KEEP_STATES` the states at the starts of chunks."""
    sequence, head = (tl.program_id(0) // heads).to(tl.int64), tl.program_id(0) % heads
    part = tl.program_id(1)
    inner: tl.constexpr = heads * p
    channels: tl.constexpr = inner + 2 * n
    width: tl.constexpr = inner + channels + heads
    sign: tl.constexpr = -1 if REVERSE else 1
    start = length - 1 if REVERSE else 0
    first = sequence * length + start
    copy = part * (tl.num_programs(0) // heads) + sequence  # the place among (parts, b)
    dts = projected + first * width + inner + channels + head
    mixed += first * channels
    y += (copy * length + start) * inner + head * p
    chunks = tl.cdiv(length, L)
    states += (copy * heads + head) * chunks * N * P
    ip, jn = tl.arange(0, P), tl.arange(0, N)
    i_n = part * N + jn

    A = -tl.exp(tl.load(A_log + head).to(tl.float32))
    skip = tl.where(part == 0, tl.load(D + head).to(tl.float32), 0.0)
    bias = tl.load(dt_bias + head).to(tl.float32)
    state = tl.zeros([N, P], tl.float32)
    for c in range(chunks):
        t = c * L + tl.arange(0, L)
        x = tile(mixed + head * p, sign * channels, t, length, ip, p)
        B = tile(mixed + inner, sign * channels, t, length, i_n, n)
        C = tile(mixed + inner + n, sign * channels, t, length, i_n, n)
        _, dt = _step_sizes(dts, sign * width, bias, t, length)
        log_decay, total, decay = _decays(dt, A)
        if KEEP_STATES:
            tl.store(states + (c * N + jn[:, None]) * P + ip[None, :], state)

        # Within the chunk, y_l = sum over s <= l of (C_l B_s) decay(s to l) dt_s x_s,
        scores = tl.dot(C, tl.trans(B), input_precision=PRECISION) * decay * dt[None, :]
        here = tl.dot(scores, x, input_precision=PRECISION) + skip * x
        # from its start, y_l += decay(start to l) C_l state,
        here += tl.dot(C, state, input_precision=PRECISION) * tl.exp(log_decay)[:, None]
        # and at its end, state = decay(chunk) state + sum over s of decay(s to end) dt_s B_s x_s
        entry = x * (dt * tl.exp(total - log_decay))[:, None]
        state = tl.exp(total) * state + tl.dot(tl.trans(B), entry, input_precision=PRECISION)
        store_tile(y, here, sign * inner, t, length, ip, p)


@triton.jit
def scan_backward(
    projected, mixed, A_log, D, dt_bias, states, d_y,
    d_mixed, d_BC, d_dt, d_A_log, d_D, d_dt_bias, length,
    heads: tl.constexpr, p: tl.constexpr, n: tl.constexpr,
    REVERSE: tl.constexpr, L: tl.constexpr, P: tl.constexpr, N: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """x of `d_mixed` (parts, b, t, channels); `d_BC` (b, heads, t, 2 n); `d_dt` (parts, b, t, heads), before
    its softplus; and of the parameters (parts, b, heads).

    The chunks from the last to the first: d_state comes from the chunk's end and goes on from its start.
    """
    sequence, head = (tl.program_id(0) // heads).to(tl.int64), tl.program_id(0) % heads
    part = tl.program_id(1)
    inner: tl.constexpr = heads * p
    channels: tl.constexpr = inner + 2 * n
    width: tl.constexpr = inner + channels + heads
    sign: tl.constexpr = -1 if REVERSE else 1
    start = length - 1 if REVERSE else 0
    first = sequence * length + start
    copy = part * (tl.num_programs(0) // heads) + sequence
    dts = projected + first * width + inner + channels + head
    mixed += first * channels
    d_mixed += (copy * length + start) * channels + head * p
    d_y += first * inner + head * p
    d_BC += ((sequence * heads + head) * length + start) * 2 * n
    d_dt += (copy * length + start) * heads + head
    chunks = tl.cdiv(length, L)
    states += (copy * heads + head) * chunks * N * P
    ip, jn = tl.arange(0, P), tl.arange(0, N)
    i_n = part * N + jn
    last = tl.arange(0, L) == L - 1

    A = -tl.exp(tl.load(A_log + head).to(tl.float32))
    skip = tl.where(part == 0, tl.load(D + head).to(tl.float32), 0.0)
    bias = tl.load(dt_bias + head).to(tl.float32)
    d_state = tl.zeros([N, P], tl.float32)
    sum_A, sum_D, sum_bias = 0.0, 0.0, 0.0
    for i in range(chunks):
        c = chunks - 1 - i
        t = c * L + tl.arange(0, L)
        x = tile(mixed + head * p, sign * channels, t, length, ip, p)
        B = tile(mixed + inner, sign * channels, t, length, i_n, n)
        C = tile(mixed + inner + n, sign * channels, t, length, i_n, n)
        d_here = tile(d_y, sign * inner, t, length, ip, p)
        state = tl.load(states + (c * N + jn[:, None]) * P + ip[None, :])
        raw, dt = _step_sizes(dts, sign * width, bias, t, length)
        log_decay, total, decay = _decays(dt, A)
        from_start, to_end = tl.exp(log_decay), tl.exp(total - log_decay)

        # To the state at the chunk's end: decay(chunk) state + sum over s of to_end_s dt_s B_s x_s;
        d_x = tl.dot(B, d_state, input_precision=PRECISION) * (to_end * dt)[:, None] + skip * d_here
        d_B_end = tl.dot(x, tl.trans(d_state), input_precision=PRECISION) * to_end[:, None]
        d_size = tl.sum(B * d_B_end, 1)  # of dt
        d_total = tl.sum(d_size * dt) + tl.exp(total) * tl.sum(state * d_state)
        d_log_decay = tl.where(last, d_total, 0.0) - d_size * dt
        # from the state at its start: y_l = from_start_l C_l state;
        d_C_start = tl.dot(d_here, tl.trans(state), input_precision=PRECISION) * from_start[:, None]
        d_log_decay += tl.sum(C * d_C_start, 1)
        entry = d_here * from_start[:, None]
        d_state = tl.exp(total) * d_state + tl.dot(tl.trans(C), entry, input_precision=PRECISION)
        # within the chunk: y_l = sum over s of G_ls decay_ls dt_s x_s with G = C B^T, and D x_l
        undiscounted = tl.dot(C, tl.trans(B), input_precision=PRECISION) * decay
        scores = undiscounted * dt[None, :]
        d_scores = tl.dot(d_here, tl.trans(x), input_precision=PRECISION)
        d_x += tl.dot(tl.trans(scores), d_here, input_precision=PRECISION)
        sum_D += tl.sum(d_here * x)
        d_entry = tl.sum(d_scores * undiscounted, 0)
        d_size += d_entry
        d_log_decay += tl.sum(d_scores * scores, 1) - d_entry * dt
        d_G = d_scores * decay * dt[None, :]
        d_C = tl.dot(d_G, B, input_precision=PRECISION) + d_C_start
        d_B = tl.dot(tl.trans(d_G), C, input_precision=PRECISION) + d_B_end * dt[:, None]

        # log_decay is the cumulative sum of dt A
        d_log_step = tl.cumsum(d_log_decay, 0, reverse=True)
        d_size += d_log_step * A
        sum_A += tl.sum(d_log_step * dt)
        d_raw = tl.where(t < length, d_size * tl.sigmoid(raw), 0.0)
        sum_bias += tl.sum(d_raw)

        tl.store(d_dt + t * (sign * heads), d_raw, mask=t < length)
        store_tile(d_mixed, d_x, sign * channels, t, length, ip, p)
        store_tile(d_BC, d_B, sign * 2 * n, t, length, i_n, n)
        store_tile(d_BC + n, d_C, sign * 2 * n, t, length, i_n, n)
    program = copy * heads + head
    tl.store(d_A_log + program, sum_A * A)  # A = -exp(A_log)
    tl.store(d_D + program, tl.where(part == 0, sum_D, 0.0))
    tl.store(d_dt_bias + program, sum_bias)


@triton.jit
def norm_forward(
    projected, y, weight, out, rows, eps,
    inner: tl.constexpr, width: tl.constexpr, ROWS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    """out = RMSNorm(y SiLU(z)) over the channels of each row, a program for a block of rows."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    channel = tl.arange(0, INNER)
    z = tile(projected, width, row, rows, channel, inner)
    gated = tile(y, inner, row, rows, channel, inner) * _silu(z)
    scale = tl.rsqrt(tl.sum(gated * gated, 1) / inner + eps)
    normed = gated * scale[:, None] * vector(weight, channel, inner)[None, :]
    store_tile(out, normed, inner, row, rows, channel, inner)


@triton.jit
def norm_backward(
    projected, y, weight, d_out, d_projected, d_y, d_weight, rows, eps,
    inner: tl.constexpr, width: tl.constexpr, ROWS: tl.constexpr, INNER: tl.constexpr,
):  # fmt: skip
    """z of `d_projected`, `d_y` like y, and `d_weight` (programs, inner)."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    channel = tl.arange(0, INNER)
    z = tile(projected, width, row, rows, channel, inner)
    here = tile(y, inner, row, rows, channel, inner)
    gated = here * _silu(z)
    scale = tl.rsqrt(tl.sum(gated * gated, 1) / inner + eps)
    normed = gated * scale[:, None]
    d_scaled = tile(d_out, inner, row, rows, channel, inner)
    d_normed = d_scaled * vector(weight, channel, inner)[None, :]
    d_gated = scale[:, None] * (d_normed - normed * (tl.sum(d_normed * normed, 1) / inner)[:, None])
    store_tile(d_projected, d_gated * here * _silu_slope(z), width, row, rows, channel, inner)
    store_tile(d_y, d_gated * _silu(z), inner, row, rows, channel, inner)
    sums = d_weight + tl.program_id(0).to(tl.int64) * inner + channel
    tl.store(sums, tl.sum(d_scaled * normed, 0), mask=channel < inner)
