"""Neighbours against sorting, edge convolution against torch-geometric's own with the very same weights."""

import copy

import pytest
import torch
from torch_geometric.nn import EdgeConv as GeometricEdgeConv

from ReVertLib.network.edge_conv import EdgeConv, knn
from ReVertLib.network.sphere_network import SphereEdgeConv


def _naive_neighbours(points, k):
    order = []
    for cloud in points.tolist():
        for i, p in enumerate(cloud):
            others = [j for j in range(len(cloud)) if j != i]
            order.append(sorted(others, key=lambda j: sum((a - b) ** 2 for a, b in zip(p, cloud[j], strict=True)))[:k])
    return torch.tensor(order).view(len(points), -1, k)


def _edge_index(neighbours):
    """(2, E) source and target of a (B, N, k) table over the flattened batch, as torch-geometric wants it."""
    batch, points, k = neighbours.shape
    source = (neighbours + torch.arange(batch)[:, None, None] * points).flatten()
    return torch.stack([source, torch.arange(batch * points).repeat_interleave(k)])


def _layer(in_channels=5, out_channels=7):
    """A double precision layer whose norm has scales of both signs and statistics that are not the initial ones."""
    torch.manual_seed(1)
    layer = EdgeConv(in_channels, out_channels).double()
    norm = layer.nn[1]
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    assert (norm.weight < 0).any() and (norm.weight > 0).any()
    return layer


def _points(batch=2, points=40, channels=5):
    return torch.randn(batch, points, channels, dtype=torch.double, generator=torch.Generator().manual_seed(0))


def _tables(x):
    fixed = torch.randint(0, x.shape[1], (x.shape[1], 4), generator=torch.Generator().manual_seed(2))
    return {"fixed": fixed, "knn": knn(x, 6)}


def test_knn_of_four_points_on_a_line():
    line = torch.tensor([[[0.0], [1.0], [3.0], [7.0]]])
    assert knn(line, 2).tolist() == [[[1, 2], [0, 2], [1, 0], [2, 1]]]


@pytest.mark.parametrize("channels", [1, 3, 32])
def test_knn_equals_sorting(channels):
    x = _points(channels=channels)
    neighbours = knn(x, 6)
    assert neighbours.dtype == torch.int64
    assert torch.equal(neighbours, _naive_neighbours(x, 6))


@pytest.mark.parametrize("points", [128, 256, 384, 1024, 1000])
def test_knn_of_many_points_equals_sorting(points):
    """Numbers of points that columns are grouped at, and one that they are not."""
    x = _points(points=points, channels=32)
    order = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    order.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    assert torch.equal(knn(x, 10), order.argsort(2)[:, :, :10])


def test_knn_where_all_near_points_are_in_one_group():
    """Every 128th point of a line lies in a heap far from the others; its neighbours are the rest of the heap."""
    x = torch.arange(1024, dtype=torch.double)[None, :, None].repeat(1, 1, 2)
    heap = torch.arange(0, 1024, 128)
    x[0, heap] = -1e4 + torch.arange(8, dtype=torch.double)[:, None] ** 2
    assert knn(x, 7)[0, 0].tolist() == heap[1:].tolist()


def test_knn_keeps_twins_and_leaves_out_the_point_itself():
    twins = torch.tensor([[[0.0, 0.0], [0.0, 0.0], [5.0, 0.0]]])
    assert knn(twins, 1)[0, :2].tolist() == [[1], [0]]


def test_knn_far_from_the_origin():
    near = torch.rand(1, 200, 3, generator=torch.Generator().manual_seed(3)) * 40
    far = near + torch.tensor([0.0, 0.0, 700.0])
    assert (knn(far, 8) == knn(near, 8)).float().mean() > 0.999


@pytest.mark.parametrize("table", ["fixed", "knn"])
@pytest.mark.parametrize("training", [False, True])
def test_values_gradients_and_statistics_equal_torch_geometrics(table, training):
    x = _points()
    neighbours = _tables(x)[table]
    layer = _layer().train(training)
    reference = GeometricEdgeConv(copy.deepcopy(layer.nn), aggr="max")
    reference.nn.load_state_dict(layer.nn.state_dict())  # the constructor resets what it is given
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    got = layer(ours, neighbours)
    expected = reference(theirs.flatten(0, 1), _edge_index(neighbours.expand(len(x), -1, -1))).view_as(got)
    assert torch.allclose(got, expected, rtol=0, atol=1e-10)
    weights = torch.randn(got.shape, dtype=torch.double, generator=torch.Generator().manual_seed(4))
    (got * weights).sum().backward()
    (expected * weights).sum().backward()
    assert torch.allclose(ours.grad, theirs.grad, rtol=0, atol=1e-10)
    for mine, its in zip(layer.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(mine.grad, its.grad, rtol=0, atol=1e-9)
    for mine, its in zip(layer.buffers(), reference.buffers(), strict=True):
        assert torch.allclose(mine, its, rtol=0, atol=1e-12)


def test_gradient_equals_finite_differences():
    x = _points(batch=2, points=6, channels=2).requires_grad_()
    neighbours = knn(x, 3)
    layer = _layer(2, 3).eval()
    assert torch.autograd.gradcheck(lambda x: layer(x, neighbours), (x,))


def test_one_edge_by_hand():
    layer = EdgeConv(1, 1).eval()
    torch.nn.init.constant_(layer.nn[0].weight, 1.0)  # h = x_i + (x_j - x_i) = x_j
    out = layer(torch.tensor([[[1.0], [-2.0], [4.0]]]), torch.tensor([[1, 1], [0, 2], [1, 0]]))
    scale = (1 + 1e-5) ** -0.5
    assert torch.allclose(out, torch.tensor([[[-0.4], [4.0], [1.0]]]) * scale)


def test_a_shared_table_is_the_same_table_for_each_sample():
    x = _points()
    fixed = _tables(x)["fixed"]
    layer = _layer().eval()
    assert torch.equal(layer(x, fixed), layer(x, fixed.expand(2, -1, -1)))
    assert torch.allclose(layer(x, fixed)[1:], layer(x[1:], fixed), rtol=0, atol=1e-12)


def test_half_precision_products_keep_single_precision_statistics():
    x = _points().float()
    layer = _layer().float().train()
    expected = layer(x, _tables(x)["fixed"])
    statistics = layer.nn[1].running_var.clone()
    layer = _layer().float().train()
    with torch.autocast("cpu", torch.bfloat16):
        got = layer(x, _tables(x)["fixed"])
    assert got.dtype == torch.float32
    assert torch.allclose(got, expected, atol=0.1)
    assert torch.allclose(layer.nn[1].running_var, statistics, rtol=0.01)


def test_its_parameters_are_named_as_torch_geometrics():
    layer, published = EdgeConv(3, 8), SphereEdgeConv(3, 8)
    reference = GeometricEdgeConv(copy.deepcopy(layer.nn), aggr="max")
    shapes = {name: tensor.shape for name, tensor in layer.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in reference.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in published.state_dict().items()}
    assert [tuple(p.shape) for p in layer.parameters()] == [(8, 6), (8,), (8,)]


def test_the_published_networks_layer_is_torch_geometrics_and_answers_the_same():
    layer, published = _layer().eval(), SphereEdgeConv(5, 7).double().eval()
    assert isinstance(published, GeometricEdgeConv)
    published.load_state_dict(layer.state_dict())
    x = _points()
    for neighbours in _tables(x).values():
        assert torch.equal(published(x, neighbours), layer(x, neighbours))


def test_no_generated_code_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    SphereEdgeConv(3, 8)
    assert not list(tmp_path.iterdir())


def test_what_is_no_number_stays_so_and_breaks_nothing():
    """So that a training can say that its gradient is not finite."""
    layer, x = EdgeConv(3, 4), torch.randn(1, 6, 3)
    x[0, 2, 1] = torch.nan
    x.requires_grad_(True)
    layer(x, torch.arange(1, 7).remainder(6)[:, None].repeat(1, 2)).sum().backward()
    assert not torch.isfinite(layer.nn[0].weight.grad).all()
