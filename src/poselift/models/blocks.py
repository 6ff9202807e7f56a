"""What the architectures are made of: residual blocks, fused parallel branches, and the frame around them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poselift.errors import PoseliftError
from poselift.models.attention import SpatialAttention, TemporalAttention
from poselift.models.attention_graph_settings import AttentionGraphSettings
from poselift.models.graph import SpatialGraph, TemporalGraph
from poselift.skeleton import N_JOINTS

LAYER_SCALE = 1e-5
CHANNELS = 3


class MLP(nn.Module):
    """Two linear layers on each token, four times as wide in between; (..., C) -> (..., C)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))


class EndsInMLP(nn.Module):
    """A block that ends in an MLP, residual with layer scale, on (B, T, J, C)."""

    norm2: nn.LayerNorm
    mlp: MLP
    layer_scale_2: Tensor

    def transform(self, x: Tensor) -> Tensor:
        """x + scale MLP(LN(x))."""
        return torch.addcmul(x, self.layer_scale_2, self.mlp(self.norm2(x)))


class ResidualBlock(EndsInMLP):
    """A mixer and an MLP, each residual with layer scale, (B, T, J, C) -> (B, T, J, C)."""

    def __init__(self, dim: int, mixer: nn.Module) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.mixer = mixer
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLP(dim)
        self.layer_scale_1 = nn.Parameter(torch.full((dim,), LAYER_SCALE))
        self.layer_scale_2 = nn.Parameter(torch.full((dim,), LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        return self.transform(torch.addcmul(x, self.layer_scale_1, self.mixer(self.norm1(x))))


class AttentionGraphBranches(nn.Module):
    """MotionAGFormer's two branches on the same tokens, attention and graph: spatial first, then temporal."""

    def __init__(self, dim: int, n_frames: int, settings: AttentionGraphSettings) -> None:
        super().__init__()
        self.attention = settings.without_branch != "attention"
        self.graph = settings.without_branch != "graph"
        if self.attention:
            self.att_spatial = ResidualBlock(dim, SpatialAttention(dim))
            self.att_temporal = ResidualBlock(dim, TemporalAttention(dim))
        if self.graph:
            self.graph_spatial = ResidualBlock(dim, SpatialGraph(dim, settings.spatial_graph))
            self.graph_temporal = ResidualBlock(dim, TemporalGraph(dim, n_frames, settings.temporal_graph))

    def branches(self, x: Tensor) -> list[Tensor]:
        """The outputs of the branches, each (B, T, J, C)."""
        outputs = []
        if self.attention:
            outputs.append(self.att_temporal(self.att_spatial(x)))
        if self.graph:
            outputs.append(self.graph_temporal(self.graph_spatial(x)))
        return outputs


def fusion_layer(dim: int, branches: int, bias: float) -> nn.Linear | None:
    """The layer that `fuse` needs, with equal weights at the start; None for a single branch."""
    if branches == 1:
        return None
    layer = nn.Linear(branches * dim, branches)
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.bias, bias)
    return layer


def fuse(branches: list[Tensor], fusion: nn.Linear | None) -> Tensor:
    """The weighted mean of n branches (B, T, J, C); `fusion`, n C -> n, gives each token's weights."""
    if fusion is None:
        return branches[0]
    # the linear layer on the branches side by side, without copying them there
    weights = fusion.weight.chunk(len(branches), dim=1)
    logits = sum(map(F.linear, branches, weights), start=fusion.bias)
    shares = logits.softmax(dim=-1).split(1, dim=-1)
    return sum(map(torch.mul, shares[1:], branches[1:]), start=shares[0] * branches[0])


class MotionAGFormerBlock(AttentionGraphBranches):
    """A block of MotionAGFormer (Mehraban et al. 2024, section 3.2), (B, T, J, C) -> (B, T, J, C)."""

    def __init__(self, dim: int, n_frames: int, settings: AttentionGraphSettings) -> None:
        super().__init__(dim, n_frames, settings)
        self.fusion = fusion_layer(dim, self.attention + self.graph, bias=0.5)

    def forward(self, x: Tensor) -> Tensor:
        return fuse(self.branches(x), self.fusion)


class PoseLifter(nn.Module):
    """From 2D to 3D poses, (B, T, 17, 3) -> (B, T, 17, 3): embedding, `layers`, regression head.

    Input is x, y and confidence of each joint, output x, y and depth, all normalised. T is a constant of the
    model: the graph over frames has weights of its own for each frame.
    """

    def __init__(self, dim: int, n_frames: int, layers: list[nn.Module], dim_rep: int) -> None:
        super().__init__()
        self.n_frames = n_frames
        self.joints_embed = nn.Linear(CHANNELS, dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, N_JOINTS, dim))
        self.layers = nn.ModuleList(layers)
        self.norm = nn.LayerNorm(dim)
        self.rep_logit = nn.Sequential()
        self.rep_logit.add_module("fc", nn.Linear(dim, dim_rep))
        self.rep_logit.add_module("act", nn.Tanh())
        self.head = nn.Linear(dim_rep, CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        """Lift poses; `PoseliftError` where the number of frames, joints or channels is not the model's."""
        if x.ndim != 4 or x.shape[1:] != (self.n_frames, N_JOINTS, CHANNELS):
            expected = f"(clips, {self.n_frames} frames, {N_JOINTS} joints, {CHANNELS} channels)"
            raise PoseliftError(f"model input: expected {expected}, found {tuple(x.shape)}")
        x = self.joints_embed(x) + self.pos_embed
        for layer in self.layers:
            x = layer(x)
        return self.head(self.rep_logit(self.norm(x)))
