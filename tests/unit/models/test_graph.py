"""The graphs of MotionAGFormer: which nodes are linked, and who sees whom."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from poselift.models.graph import (
    SpatialGraph,
    TemporalGraph,
    chain_adjacency,
    normalise,
    spatial_adjacency,
)

JOINTS = 17


def test_published_adjacency_lacks_three_directed_edges() -> None:
    published, symmetric = spatial_adjacency("published"), spatial_adjacency("symmetric")
    assert published.sum() == 29
    assert symmetric.sum() == 32
    assert torch.equal(symmetric, symmetric.T)
    assert (symmetric - published).nonzero().tolist() == [[0, 4], [8, 11], [8, 14]]
    assert published[4, 0] == published[11, 8] == published[14, 8] == 1
    assert published.diagonal().sum() == symmetric.diagonal().sum() == 0


def test_normalisation_of_a_directed_graph_by_hand() -> None:
    adjacency = torch.tensor([[0.0, 1, 1], [1, 0, 0], [1, 1, 1]])
    root2, root3, root6 = 2**-0.5, 3**-0.5, 6**-0.5
    expected = torch.tensor([[0, root2, root6], [root2, 0, 0], [root6, root3, 1 / 3]])
    torch.testing.assert_close(normalise(adjacency), expected)


def test_links_are_the_two_most_similar_frames_and_all_that_tie() -> None:
    graph = TemporalGraph(2, 4)
    # inner products: row 0: 1 0 1 2, row 1: 0 4 0 2, row 2 as row 0, row 3: 2 2 2 5
    frames = torch.tensor([[[1.0, 0], [0, 2], [1, 0], [2, 1]]])
    expected = [[1, 0, 1, 1], [0, 1, 0, 1], [1, 0, 1, 1], [1, 1, 1, 1]]
    assert graph.links(frames)[0].int().tolist() == expected


def test_repeated_frames_give_finite_outputs() -> None:
    graph = TemporalGraph(8, 5)
    still = torch.randn(1, 1, JOINTS, 8).expand(2, 5, JOINTS, 8)
    assert graph(still).isfinite().all()
    assert graph.links(torch.zeros(1, 5, 8)).all()


def test_links_do_not_depend_on_autocast() -> None:
    graph = TemporalGraph(16, 32)
    tokens = torch.randn(4, 32, 16)
    with torch.autocast("cpu", torch.bfloat16):
        found = graph.links(tokens)
    assert torch.equal(found, graph.links(tokens))


def test_chain_links_neighbours_in_time() -> None:
    assert chain_adjacency(4).tolist() == [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]


def test_chain_spreads_no_further_than_one_frame() -> None:
    torch.manual_seed(0)
    graph = TemporalGraph(8, 7, "chain").eval()
    x = torch.randn(1, 7, JOINTS, 8)
    y = graph(x)
    changed = x.clone()
    changed[:, 3] += 1
    touched = (graph(changed) != y).flatten(2).any(-1)[0]
    assert touched.tolist() == [False, False, True, True, True, False, False]


def test_spatial_graph_of_a_frame_sees_no_other_frame() -> None:
    graph = SpatialGraph(8).eval()
    x = torch.randn(2, 5, JOINTS, 8)
    changed = x.clone()
    changed[:, 2] = torch.randn(2, JOINTS, 8)
    same = [0, 1, 3, 4]
    assert torch.equal(graph(changed)[:, same], graph(x)[:, same])
    assert not torch.equal(graph(changed)[:, 2], graph(x)[:, 2])


@pytest.mark.parametrize("kind", ["published", "symmetric"])
def test_spatial_graph_passes_along_its_edges_only(kind: str) -> None:
    torch.manual_seed(0)
    graph = SpatialGraph(8, kind).eval()  # type: ignore[arg-type]
    x = torch.randn(1, 1, JOINTS, 8)
    influence = torch.zeros(JOINTS, JOINTS)
    for joint in range(JOINTS):
        changed = x.clone()
        changed[:, :, joint] += 1
        influence[:, joint] = (graph(changed) != graph(x))[0, 0].any(-1)
    expected = spatial_adjacency(kind) + torch.eye(JOINTS)  # type: ignore[arg-type]
    assert torch.equal(influence, expected)


def test_temporal_graph_of_a_joint_sees_no_other_joint() -> None:
    graph = TemporalGraph(8, 6).eval()
    x = torch.randn(2, 6, JOINTS, 8)
    changed = x.clone()
    changed[:, :, 5] = torch.randn(2, 6, 8)
    others = [joint for joint in range(JOINTS) if joint != 5]
    assert torch.equal(graph(changed)[:, :, others], graph(x)[:, :, others])


def test_switches_change_the_model_but_not_its_weights(tiny: Callable[..., nn.Module]) -> None:
    published = tiny("baseline")
    x = torch.randn(1, 9, JOINTS, 3, dtype=torch.float64)
    for switch in ({"spatial_graph": "symmetric"}, {"temporal_graph": "chain"}):
        other = tiny("baseline", **switch)
        other.load_state_dict(published.state_dict())
        assert not torch.allclose(other(x), published(x), atol=1e-4)
