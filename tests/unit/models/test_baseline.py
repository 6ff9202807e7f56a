"""MotionAGFormer against its published numbers and against a naive transcription of its definition."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from poselift.config.sizes import ModelSize
from poselift.models.registry import build_model

State = dict[str, Tensor]

# (row, column) of the 29 ones of the published adjacency: each joint's row lists what it is connected to
PUBLISHED_EDGES = {
    0: [1, 7], 1: [0, 2], 2: [1, 3], 3: [2], 4: [0, 5], 5: [4, 6], 6: [5], 7: [0, 8], 8: [7, 9], 9: [8, 10],
    10: [9], 11: [8, 12], 12: [11, 13], 13: [12], 14: [8, 15], 15: [14, 16], 16: [15],
}  # fmt: skip


@pytest.mark.parametrize(
    ("size", "n_frames", "parameters"),
    [
        ("xsmall", 27, 2_241_531),
        ("small", 81, 4_817_119),
        ("base", 243, 11_723_811),
        ("large", 243, 19_007_111),
        ("xsmall", 243, 2_246_715),
        ("small", 243, 4_825_543),
    ],
)
def test_number_of_parameters_is_the_published_one(size: str, n_frames: int, parameters: int) -> None:
    with torch.device("meta"):
        model = build_model("baseline", size, n_frames)
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_state_dict_has_the_published_names() -> None:
    unit = ["norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias", "layer_scale_1", "layer_scale_2"]
    unit += [f"mlp.{layer}.{kind}" for layer in ("fc1", "fc2") for kind in ("weight", "bias")]
    attention = ["mixer.qkv.weight", "mixer.proj.weight", "mixer.proj.bias"]
    graph = [f"mixer.{part}.{kind}" for part in ("U", "V", "batch_norm") for kind in ("weight", "bias")]
    graph += [f"mixer.batch_norm.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")]
    mixers = {
        "att_spatial": attention, "att_temporal": attention, "graph_spatial": graph, "graph_temporal": graph,
    }  # fmt: skip
    block = [f"{branch}.{name}" for branch, mixer in mixers.items() for name in unit + mixer]
    block += ["fusion.weight", "fusion.bias"]
    expected = {f"layers.{i}.{name}" for i in range(3) for name in block} | {"pos_embed"}
    for linear in ("joints_embed", "rep_logit.fc", "head", "norm"):
        expected |= {f"{linear}.weight", f"{linear}.bias"}
    assert set(build_model("baseline", ModelSize(depth=3, dim=16), 9).state_dict()) == expected


# The definition, set of tokens by set of tokens. `w` is a state dict, `p` a prefix in it.


def linear(x: Tensor, w: State, p: str) -> Tensor:
    y = x @ w[f"{p}.weight"].T
    return y + w[f"{p}.bias"] if f"{p}.bias" in w else y


def layer_norm(x: Tensor, w: State, p: str) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt() * w[f"{p}.weight"] + w[f"{p}.bias"]


def attention(tokens: Tensor, w: State, p: str) -> Tensor:
    """Among tokens (N, C)."""
    channels = tokens.shape[-1]
    size = channels // 8
    q, k, v = linear(tokens, w, f"{p}.qkv").split(channels, dim=-1)
    heads = []
    for h in range(8):
        part = slice(h * size, (h + 1) * size)
        scores = q[:, part] @ k[:, part].T / math.sqrt(size)
        heads.append(scores.exp() / scores.exp().sum(-1, keepdim=True) @ v[:, part])
    return linear(torch.cat(heads, -1), w, f"{p}.proj")


def spatial_graph(_: Tensor) -> Tensor:
    adjacency = torch.zeros(17, 17, dtype=torch.float64)
    for row, columns in PUBLISHED_EDGES.items():
        adjacency[row, columns] = 1
    return adjacency


def temporal_graph(tokens: Tensor) -> Tensor:
    similarity = (tokens @ tokens.T).detach()
    second = similarity.sort(dim=-1, descending=True).values[:, 1:2]
    return (similarity >= second).double()


def aggregate(tokens: Tensor, adjacency: Tensor, w: State, p: str) -> Tensor:
    degree = torch.diag(adjacency.sum(-1) ** -0.5)
    return degree @ adjacency @ degree @ linear(tokens, w, f"{p}.V") + linear(tokens, w, f"{p}.U")


def batch_norm(x: Tensor, w: State, p: str, training: bool) -> Tensor:
    """Over the nodes, the last but one axis of (..., N, C); updates the running statistics in training."""
    mean, variance = w[f"{p}.running_mean"], w[f"{p}.running_var"]
    if training:
        nodes = x.movedim(-2, 0).flatten(1)
        mean, variance = nodes.mean(1), nodes.var(1, unbiased=False)
        w[f"{p}.running_mean"] = 0.9 * w[f"{p}.running_mean"] + 0.1 * mean.detach()
        w[f"{p}.running_var"] = 0.9 * w[f"{p}.running_var"] + 0.1 * nodes.var(1, unbiased=True).detach()
    x = (x - mean[:, None]) / (variance[:, None] + 1e-5).sqrt()
    return x * w[f"{p}.weight"][:, None] + w[f"{p}.bias"][:, None]


def unit(x: Tensor, w: State, p: str, training: bool) -> Tensor:
    """`x` is (B, T, J, C); sets of tokens that see one another are joints of a frame or frames of a joint."""
    nodes = 2 if "spatial" in p else 1
    y = layer_norm(x, w, f"{p}.norm1").movedim(nodes, 2)  # (B, other, node, C)
    sets = [list(clip) for clip in y]
    if "att" in p:
        mixed = torch.stack([torch.stack([attention(s, w, f"{p}.mixer") for s in clip]) for clip in sets])
    else:
        graph = spatial_graph if "spatial" in p else temporal_graph
        mixed = torch.stack(
            [torch.stack([aggregate(s, graph(s), w, f"{p}.mixer") for s in clip]) for clip in sets]
        )
        mixed = (y + batch_norm(mixed, w, f"{p}.mixer.batch_norm", training)).clamp(min=0)
    x = x + w[f"{p}.layer_scale_1"] * mixed.movedim(2, nodes)
    hidden = linear(layer_norm(x, w, f"{p}.norm2"), w, f"{p}.mlp.fc1")
    hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
    return x + w[f"{p}.layer_scale_2"] * linear(hidden, w, f"{p}.mlp.fc2")


def reference(x: Tensor, w: State, depth: int, training: bool) -> Tensor:
    x = linear(x, w, "joints_embed") + w["pos_embed"]
    for p in (f"layers.{i}" for i in range(depth)):
        branches = [
            unit(unit(x, w, f"{p}.{kind}_spatial", training), w, f"{p}.{kind}_temporal", training)
            for kind in ("att", "graph")
        ]
        logits = linear(torch.cat(branches, -1), w, f"{p}.fusion")
        shares = logits.exp() / logits.exp().sum(-1, keepdim=True)
        x = shares[..., :1] * branches[0] + shares[..., 1:] * branches[1]
    return linear(torch.tanh(linear(layer_norm(x, w, "norm"), w, "rep_logit.fc")), w, "head")


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_equals_the_definition(training: bool, tiny: Callable[..., nn.Module]) -> None:
    model = tiny("baseline").train(training)
    w = {name: value.detach().clone() for name, value in model.state_dict().items()}
    learned = {name: w[name].requires_grad_() for name, _ in model.named_parameters()}
    x = torch.randn(2, 9, 17, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 9, 17, 3, dtype=torch.float64)

    expected = reference(x, w, depth=2, training=training)
    found = model(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)

    gradients = torch.autograd.grad((expected * weight).sum(), [x, *learned.values()])
    (own_of_x,) = torch.autograd.grad((found * weight).sum(), [x], retain_graph=True)
    torch.testing.assert_close(own_of_x, gradients[0], rtol=0, atol=1e-9)
    (found * weight).sum().backward()
    for (name, parameter), gradient in zip(model.named_parameters(), gradients[1:], strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-9, msg=name)
    for name, value in model.named_buffers():
        if "running" in name:
            torch.testing.assert_close(value, w[name], rtol=0, atol=1e-9, msg=name)


def test_starts_as_published() -> None:
    torch.manual_seed(0)
    state = build_model("baseline", ModelSize(depth=1, dim=128), 27).state_dict()
    assert (state["pos_embed"] == 0).all()
    assert (state["layers.0.fusion.weight"] == 0).all()
    assert (state["layers.0.fusion.bias"] == 0.5).all()
    for name in ("att_spatial", "att_temporal", "graph_spatial", "graph_temporal"):
        for scale in ("layer_scale_1", "layer_scale_2"):
            assert (state[f"layers.0.{name}.{scale}"] == 1e-5).all()
    weights = state["layers.0.graph_spatial.mixer.U.weight"]
    assert weights.std().item() == pytest.approx(math.sqrt(2 / 128), rel=0.03)
