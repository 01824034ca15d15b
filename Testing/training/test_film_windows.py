"""Films cut from wide ones: whatever they are turned, scaled or mirrored by, marks lie on what they mark."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from tiny import network

from ReVertLib.errors import InputError
from ReVertLib.inference.predictor import Predictor
from ReVertLib.network.film_cells import exposed
from ReVertLib.network.finder_network import FinderNetwork, from_context
from ReVertLib.network.weights import load_weights
from ReVertLib.training import film_windows as module
from ReVertLib.training.draw import Draw
from ReVertLib.training.film_shards import MOST_VERTEBRAE, FilmShard
from ReVertLib.training.film_windows import FilmSamples, Windows, cut_films, drawn_windows
from ReVertLib.training.finder_losses import finder_losses
from ReVertLib.training.run import TrainOptions, train

CPU = torch.device("cpu")
ROWS, COLUMNS = 180, 150


def shard(count=4, seed=0) -> FilmShard:
    """Films of four blocks below each other, a bright dot at the left end of each one's upper side."""
    rng = np.random.default_rng(seed)
    spine, body = np.zeros((count, ROWS, COLUMNS), np.uint8), np.ones((count, ROWS, COLUMNS), np.float16)
    labels = np.zeros((count, MOST_VERTEBRAE), np.int16)
    centres = np.full((count, MOST_VERTEBRAE, 2), np.nan, np.float32)
    corners, boxes = np.full((count, MOST_VERTEBRAE, 4, 2), np.nan), np.full((count, MOST_VERTEBRAE, 4), np.nan)
    for i in range(count):
        left, top = rng.integers(45, 60), rng.integers(14, 24)
        for k in range(4):
            u, v = left + 3 * k, top + 36 * k
            spine[i, v : v + 20, u : u + 30] = 60
            spine[i, v - 1 : v + 2, u - 1 : u + 2] = 255
            labels[i, k], centres[i, k], boxes[i, k] = 21 + k, (u + 14.5, v + 9.5), (u, v, u + 30, v + 20)
            corners[i, k] = [(u, v), (u + 29, v), (u + 29, v + 19), (u, v + 19)]
    corners, boxes = corners.astype(np.float32), boxes.astype(np.float32)
    scale, yaw = np.full(count, 0.01, np.float32), np.linspace(-90, 90, count, dtype=np.float32)
    rows = np.tile(np.array([0, ROWS], np.float32), (count, 1))
    return FilmShard(spine, scale, body, labels, centres, corners, boxes, yaw, rows)


def tensors(films: FilmShard) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(array) for name, array in vars(films).items()}


def draw(seed=0) -> Draw:
    return Draw(torch.Generator().manual_seed(seed), CPU)


@pytest.mark.parametrize("seed", range(6))
def test_every_mark_lies_on_what_it_marks(seed):
    """The bright dot is at the left end of the cranial endplate of the film hung head up, at its right end where the
    film is mirrored."""
    films = tensors(shard())
    windows = drawn_windows(films, 224, draw(seed))
    batch = cut_films(films, windows, 224, draw(), augment=False)
    image = batch.film[:, 0] + 0.25
    seen = 0
    for i, k in (batch.labels > 0).nonzero().tolist():
        dot = batch.corners[i, k, 1 if windows.mirrored[i] else 0]
        if ((dot - 111.5).abs() < windows.half[i] - 6).all():
            u, v = dot.round().int().tolist()
            brightest = image[i, v - 2 : v + 3, u - 2 : u + 3].max()
            assert brightest > 0.9
            assert brightest > image[i, v - 12 : v + 13, u - 12 : u + 13].mean() + 0.2
            seen += 1
    assert seen >= 3


def test_turned_and_mirrored_marks_by_hand():
    films = tensors(shard(1))
    eye, middle = torch.eye(2)[None], torch.tensor([[75.0, 90.0]])
    half, no, yes = torch.tensor([[90.0, 90.0]]), torch.tensor([False]), torch.tensor([True])

    def cut(matrix, upside_down, mirrored):
        origin = middle - matrix.sum(2) * (192 - 1) / 2
        return cut_films(films, Windows(matrix, origin, half, upside_down, mirrored), 192, draw(), augment=False)

    straight, turned = cut(eye, no, no), cut(-eye, yes, no)
    mirrored = cut(torch.diag(torch.tensor([-1.0, 1.0]))[None], no, yes)
    assert straight.centres[0, 0].tolist() == (films["centres"][0, 0] + torch.tensor([20.5, 5.5])).tolist()
    assert torch.allclose(turned.centres[0, :4], 191 - straight.centres[0, :4])
    assert torch.allclose(turned.corners[0, :4], 191 - straight.corners[0, :4])  # still the cranial left one first
    flip = torch.tensor([-1.0, 1.0])
    at = torch.tensor([191.0, 0.0]) + flip * straight.corners[0, 0]
    assert torch.allclose(mirrored.corners[0, 0], at[[1, 0, 3, 2]])
    u0, v0, u1, v1 = straight.boxes[0, 0].tolist()
    assert turned.boxes[0, 0].tolist() == pytest.approx([192 - u1, 192 - v1, 192 - u0, 192 - v0])
    assert mirrored.boxes[0, 0].tolist() == pytest.approx([192 - u1, v0, 192 - u0, v1])
    assert mirrored.yaw_deg.tolist() == [90.0]  # the first film's is -90
    assert turned.flags.tolist() == [[False, True, False]]
    assert mirrored.flags.tolist() == [[False, False, True]]
    assert torch.allclose(turned.film, straight.film.flip((2, 3)), atol=1e-4)


def test_vertebrae_off_the_film_are_not_labelled():
    films = tensors(shard(1))
    top = films["centres"][:, 0]
    windows = Windows(
        torch.eye(2)[None], top - 31.5, torch.tensor([[20.0, 20.0]]), torch.tensor([False]), torch.tensor([False])
    )
    assert cut_films(films, windows, 64, draw(), augment=False).labels[0, :4].tolist() == [21, 0, 0, 0]


def test_a_small_network_learns_one_batch():
    torch.manual_seed(0)
    films = tensors(shard(4))
    batch = cut_films(films, drawn_windows(films, 128, draw(1)), 128, draw(2), augment=False)
    assert (batch.labels > 0).sum() >= 4
    network = FinderNetwork(widths=(8, 12, 16, 16, 16), head=24)
    optimiser, first = torch.optim.Adam(network.parameters(), 5e-3), None
    for _ in range(120):
        terms = finder_losses(network(batch.film), batch)
        first = first or {name: float(value.detach()) for name, value in terms.items()}
        optimiser.zero_grad()
        sum(terms.values()).backward()
        optimiser.step()
    last = {name: float(value.detach()) for name, value in terms.items()}
    assert last["heat"] < 0.3 * first["heat"]
    assert last["names"] < 0.3 * first["names"]
    assert last["corners"] < 0.3 * first["corners"]
    assert last["flags"] < 0.5 * first["flags"]


def test_shards_come_back_and_what_is_none_is_refused(tmp_path):
    shard(2).save(tmp_path / "films_00000.npz")
    loaded = FilmShard.load(tmp_path / "films_00000.npz")
    for field in fields(FilmShard):
        assert np.array_equal(vars(loaded)[field.name], vars(shard(2))[field.name], equal_nan=field.name != "labels")
    assert len(FilmSamples(tmp_path)) == 2
    (tmp_path / "films_00001.npz").write_bytes(b"no shard")
    with pytest.raises(InputError, match=r"films films_00001.npz: expected the arrays of a shard of films"):
        FilmSamples(tmp_path)
    with pytest.raises(InputError, match=r"samples: expected films_\*.npz in the folder, got none"):
        FilmSamples(tmp_path / "none")


def test_a_finder_begins_with_the_net_that_isolates():
    context = network("context", isolation=[4, 6, 8]).state_dict()
    own = FinderNetwork(widths=(4, 6, 8), head=8)
    kept = from_context(context, own.state_dict())
    own.load_state_dict(kept, strict=False)
    assert torch.equal(own.enter[0].weight[:, :2], context["isolation.enter.0.weight"])
    assert not own.enter[0].weight[:, 2].any()
    assert torch.equal(own.down[1].stay[0].weight, context["isolation.down.1.stay.0.weight"])
    assert torch.equal(own.up[0][0].weight, context["isolation.up.1.0.weight"])
    assert set(kept) <= set(own.state_dict())


def test_greys_that_are_not_exposed_do_not_count():
    patient = np.linspace(0.3, 0.6, 700)
    assert np.array_equal(exposed(np.concatenate([np.zeros(200), patient, np.ones(100)])), patient)
    few = np.concatenate([np.zeros(5), patient])
    assert np.array_equal(exposed(few), few)
    mask = np.concatenate([np.zeros(500), np.ones(500)])
    assert np.array_equal(exposed(mask), mask)


def test_a_finder_is_trained_by_the_command_s_loop(tmp_path, monkeypatch):
    (tmp_path / "films").mkdir()
    shard(4).save(tmp_path / "films" / "films_00000.npz")
    monkeypatch.setattr(module, "CANVASES_PX", (96,))
    options = TrainOptions("finder", steps=2, batch=2, checkpoint_every=1)
    weights = train(tmp_path / "films", tmp_path / "out", options, CPU, {"data": "dots"})
    loaded = load_weights(weights)
    assert loaded.architecture == "finder"
    with pytest.raises(InputError, match="weights: expected those of a network that reconstructs, got a finder's"):
        Predictor(weights, "cpu")
