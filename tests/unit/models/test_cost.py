"""Costs against the published numbers and against formulas derived by hand."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from poselift.config.architectures import find
from poselift.config.sizes import ModelSize
from poselift.errors import PoseliftError
from poselift.models import cost
from poselift.models.cost import Cost, count, main, peak_memory_mb

J = 17


@pytest.mark.parametrize(
    ("size", "n_frames", "linear", "everything"),
    [
        ("xsmall", 27, 1.01, 1.08),
        ("xsmall", 243, 9.09, 18.2),
        ("small", 81, 6.51, 7.86),
        ("small", 243, 19.53, 39.3),
        ("base", 243, 47.96, 64.5),
        ("large", 243, 77.76, 104.6),
    ],
)
def test_baseline_is_as_published(size: str, n_frames: int, linear: float, everything: float) -> None:
    found = count("baseline", size, n_frames)
    assert found.macs_linear / 1e9 == pytest.approx(linear, abs=0.005)
    assert found.macs_all / 1e9 == pytest.approx(everything, abs=0.05 if everything > 10 else 0.005)


def linear_of_baseline(depth: int, d: int) -> int:
    """Products of one token with the weights of linear layers."""
    attention = 3 * d * d + d * d
    graph = 2 * d * d
    mlp = 8 * d * d
    return 3 * d + depth * (2 * (attention + mlp) + 2 * (graph + mlp) + 4 * d) + d * 512 + 512 * 3


def products_of_baseline(depth: int, d: int, T: int) -> tuple[int, int]:
    """Products inside attention and graph: all, and without D^-1/2 A D^-1/2 as two products."""
    attention = 2 * T * J * J * d + 2 * J * T * T * d  # scores and values, over joints and over frames
    graph = T * J * J * d + 2 * J * T * T * d  # aggregation; over frames, similarity as well
    normalisation = 2 * T * J**3 + 2 * J * T**3
    return depth * (attention + graph + normalisation), depth * (attention + graph)


def ssd_products(T: int, inner: int, heads: int, state: int) -> int:
    """One sequence through the dual form: 27 frames are one chunk, 243 are nine chunks of 27."""
    chunks, steps = {27: (1, 27), 243: (9, 27)}[T]
    convolution = 4 * (T + 3) * (inner + 2 * state)
    within = chunks * (steps * steps * state + steps * steps * inner + steps * steps * heads)  # last: decays
    between = 2 * chunks * steps * state * inner + chunks**2 * (state * inner + heads) if chunks > 1 else 0
    return convolution + within + between


def mamba_gcn_block(d: int, inner: int, T: int) -> tuple[int, int]:
    """Linear products per token, and other products per clip."""
    heads, state = 8, 32
    ssm = d * (2 * inner + 2 * state + heads) + inner * d
    return 2 * ssm + d * d + 8 * d * d, 2 * J * ssd_products(T, inner, heads, state) + T * J * J * d


@pytest.mark.parametrize("d", [64, 16], ids=["heads of 8", "heads of 2, which a GPU pads"])
@pytest.mark.parametrize("T", [27, 243])
def test_counts_equal_hand_derived_formulas(T: int, d: int) -> None:
    depth = 3
    linear = linear_of_baseline(depth, d)
    everything, executed = products_of_baseline(depth, d, T)
    block_linear, block_others = mamba_gcn_block(d, 256, T)
    for architecture, blocks, fusion in (("baseline", 0, 0), ("mamba_gcn", 4, 0), ("full", depth, depth)):
        per_token = linear + blocks * block_linear + fusion * (9 * d - 4 * d)
        others = blocks * block_others
        found = count(architecture, ModelSize(depth=depth, dim=d), T)
        assert found.macs_linear == per_token * T * J
        assert found.macs_executed == per_token * T * J + executed + others
        assert found.macs_all == per_token * T * J + everything + others


def test_switches_change_the_cost() -> None:
    size = ModelSize(depth=2, dim=16)
    whole = count("full", size, 27, ssm_backend="auto")
    one_way = count("full", size, 27, ssm_directions="forward")
    no_graph = count("full", size, 27, mamba_gcn_parts="ssm")
    assert whole.parameters > max(one_way.parameters, no_graph.parameters)
    assert whole.macs_all > max(one_way.macs_all, no_graph.macs_all)


def test_the_attention_of_a_lifter_of_ones_own_is_counted() -> None:
    """It runs on the CPU, whose attention PyTorch's counter overlooks; an embedding has no products."""
    size = ModelSize(depth=2, dim=32)
    own = count(find("own", "poselift.models.controls.positions"), size, 9)
    baseline = count("baseline", size, 9)
    assert own.parameters == baseline.parameters + 9 * 32
    assert (own.macs_all, own.macs_executed) == (baseline.macs_all, baseline.macs_executed)


def test_peak_memory_by_hand() -> None:
    # alive at once: weights 1000 x 1000, input, first output, second output; 4 bytes each
    model, x = nn.Sequential(nn.Linear(1000, 1000, bias=False), nn.Tanh()), torch.zeros(500, 1000)
    with torch.no_grad():
        found = peak_memory_mb(lambda: model(x), [*model.parameters(), x])
    assert found == pytest.approx((1e6 + 3 * 500e3) * 4 / 1e6, rel=0.01)


def test_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "cost.csv"
    options = "--architecture baseline --architecture full --size nano --depth 1 --dim 16 --n-frames 27"
    main([*options.split(), "--mamba-gcn-dim", "64", "--out", str(out)])
    table = pd.read_csv(out)
    assert list(table.columns) == [
        "architecture", "size", "n_frames", "parameters", "macs_linear", "macs_all", "macs_executed",
    ]  # fmt: skip
    assert table["architecture"].tolist() == ["baseline", "full"]
    assert (table["size"] == "nano").all()
    size = ModelSize(depth=1, dim=16)
    for row, expected in (
        (0, count("baseline", size, 27)),
        (1, count("full", size, 27, mamba_gcn_dim=64)),
    ):
        assert Cost(*table.iloc[row, 3:]) == expected
    assert f"{table['parameters'][0]:,}" in capsys.readouterr().out


def test_published_sizes_are_the_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cost, "count", lambda *_, **__: Cost(1, 2, 3, 4))
    main([])
    printed = capsys.readouterr().out
    assert [line.split()[:2] for line in printed.splitlines()[1:]] == [
        [architecture, size]
        for architecture in ("baseline", "full", "mamba_gcn")
        for size in ("xsmall", "small", "base", "large")
    ]


def test_measures_on_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cost, "BATCHES", (1, 2))
    monkeypatch.setattr(cost, "latency_ms", lambda call: float(len(call())))
    out = tmp_path / "cost.csv"
    options = "--architecture baseline --depth 1 --dim 8 --n-frames 5 --dim-rep 4096"
    main(f"{options} --measure --out {out}".split())
    (row,) = pd.read_csv(out).to_dict("records")
    assert row["latency_ms_b2"] == 2
    assert 4 * 5 * 17 * 4096 / 1e6 < row["memory_mb_b1"] < row["memory_mb_b2"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--depth 3", "needs both --depth and --dim"),
        ("--depth 3 --dim 16 --size a --size b", "at most one --size"),
        ("--depth 3 --dim 15", "options: dim"),
        ("--size huge", "unknown size 'huge'"),
        ("--architecture baseline --mamba-gcn-dim 64", "--mamba-gcn-dim has no meaning"),
        ("--architecture full --mamba-gcn-layers 4", "--mamba-gcn-layers has no meaning"),
    ],
)  # fmt: skip
def test_bad_options(options: str, message: str) -> None:
    with pytest.raises(PoseliftError, match=message):
        main(options.split())
