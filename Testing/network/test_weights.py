"""Weights on disk: the round trip, and every file that must not be opened or believed."""

import json
import sys

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny import OPTIONS, network, weights

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.network.weights import build_network, load_weights, save_weights
from ReVertLib.network.weights_file import FORMAT, checked_sha256, file_sha256, read_weights, sha256_path


def metadata_of(path):
    with safe_open(path, "pt") as file:
        return file.metadata()


def stated(path):
    """Puts the right hash beside a file, as someone would who believes in it."""
    sha256_path(path).write_text(f"{file_sha256(path)}  {path.name}\n")
    return path


def rewritten(path, tensors=None, **metadata):
    """The weights file with other tensors or metadata, under a right hash; None takes an entry away."""
    merged = {key: value for key, value in (metadata_of(path) | metadata).items() if value is not None}
    save_file(load_file(path) if tensors is None else tensors, path, merged)
    return stated(path)


@pytest.mark.parametrize("architecture", OPTIONS)
def test_round_trip_to_half_precision(tmp_path, architecture):
    original = network(architecture, awake=architecture == "template", seed=3)
    path = tmp_path / "model.safetensors"
    digest = save_weights(path, original, architecture, {})
    loaded = load_weights(path)
    assert (loaded.architecture, loaded.sha256) == (architecture, digest)
    assert not loaded.network.training
    assert type(loaded.network) is type(original)
    own = original.state_dict()
    assert set(loaded.network.state_dict()) == set(own)
    for name, tensor in loaded.network.state_dict().items():
        kept = own[name].half().to(own[name].dtype) if own[name].dim() > 1 else own[name]
        assert torch.equal(tensor, kept), name
        assert tensor.dtype == own[name].dtype


def test_the_same_answer_to_a_hundredth_of_a_millimetre(tmp_path):
    image, level, sod_mm = torch.rand(1, 1, 128, 128), torch.tensor([2]), torch.tensor([600.0])
    with torch.no_grad():
        expected = network(awake=True)(image, level, sod_mm).vertices
        found = load_weights(weights(tmp_path, awake=True)).network(image, level, sod_mm).vertices
    assert (expected - found).abs().max() < 0.05
    assert (expected - network()(image, level, sod_mm).vertices).abs().max() > 1.0


def test_weights_from_before_a_network_could_judge_itself(tmp_path):
    """Their options do not name the head: they load, and answer as they did, without an expected error."""
    path = weights(tmp_path, awake=True)
    options = json.loads(metadata_of(path)["options"])
    assert options.pop("error_width") == 0
    arguments = (torch.rand(1, 1, 128, 128), torch.tensor([2]), torch.tensor([600.0]))
    with torch.no_grad():
        expected = load_weights(path).network(*arguments)
        found = load_weights(rewritten(path, options=json.dumps(options))).network(*arguments)
    assert torch.equal(found.vertices, expected.vertices)
    assert found.expected_error_mm is None


def test_a_judgement_survives_the_file(tmp_path):
    built = network(awake=True, error_width=6)
    built.error_head.usual_mm.copy_(torch.linspace(0.5, 3.0, 3000))
    torch.nn.init.normal_(built.error_head.leave.weight)
    torch.nn.init.normal_(built.familiarity.whitening)
    save_weights(tmp_path / "model.safetensors", built, "template", {})
    arguments = (torch.rand(1, 1, 128, 128), torch.tensor([2]), torch.tensor([600.0]))
    with torch.no_grad():
        loaded = load_weights(tmp_path / "model.safetensors").network(*arguments)
        own = built(*arguments)
    assert torch.allclose(loaded.expected_error_mm, own.expected_error_mm, rtol=0.02)
    assert torch.allclose(loaded.out_of_distribution, own.out_of_distribution, rtol=0.02)


def test_weights_from_before_errors_had_parts(tmp_path):
    """Their options do not name the parts: they load, and say what they did."""
    built = network(awake=True, error_width=6)
    save_weights(tmp_path / "model.safetensors", built, "template", {})
    options = json.loads(metadata_of(tmp_path / "model.safetensors")["options"])
    assert options.pop("error_parts") is False
    arguments = (torch.rand(1, 1, 128, 128), torch.tensor([2]), torch.tensor([600.0]))
    with torch.no_grad():
        found = load_weights(rewritten(tmp_path / "model.safetensors", options=json.dumps(options))).network(*arguments)
    assert torch.allclose(found.expected_error_mm, torch.ones(1, 3000), atol=1e-5)
    assert found.error_parts_mm is None


def test_parts_and_bound_survive_the_file(tmp_path):
    built = network(awake=True, error_width=6, error_parts=True)
    built.error_head.usual_mm.copy_(torch.linspace(0.5, 3.0, 9000).view(3, 3000))
    built.error_head.bound.fill_(2.5)
    built.error_head.hint_bias.copy_(torch.tensor([0.1, 0.2, 0.3]))
    save_weights(tmp_path / "model.safetensors", built, "template", {})
    arguments = (torch.rand(1, 1, 128, 128), torch.tensor([2]), torch.tensor([600.0]))
    with torch.no_grad():
        loaded = load_weights(tmp_path / "model.safetensors").network(*arguments)
        own = built(*arguments)
    assert torch.allclose(loaded.error_parts_mm, own.error_parts_mm, rtol=0.02)
    assert torch.allclose(own.error_parts_mm[:, 2], 2.5 * own.expected_error_mm)
    assert loaded.error_parts_mm.shape == (1, 3, 3000)


def test_the_score_is_that_of_shapes_or_of_textures(tmp_path):
    """Whichever is larger."""
    built = network(awake=True, error_width=6, error_parts=True)
    arguments = (torch.rand(1, 1, 128, 128), torch.tensor([2]), torch.tensor([600.0]))
    with torch.no_grad():
        _, features = built.answer(*arguments)
        for score, values in ((built.familiarity, features.pooled), (built.texture_score, features.textures)):
            score.mean.copy_(values[0])
            score.mean[0] += 1.0
            score.whitening[0, 0] = 2.0
        assert built(*arguments).out_of_distribution.item() == pytest.approx(2.0)
        for score, larger in ((built.familiarity, 3.0), (built.texture_score, 5.0)):
            score.whitening[0, 0] = larger
            assert built(*arguments).out_of_distribution.item() == pytest.approx(larger)


def test_metadata_tells_all_that_is_known(tmp_path):
    path = tmp_path / "model.safetensors"
    about = {"data": "nine people", "licence": "CC BY-SA 4.0"}
    save_weights(path, network(), "template", about)
    found = metadata_of(path)
    assert found == load_weights(path).metadata
    assert found | {"options": json.loads(found["options"])} == about | {
        "format": FORMAT,
        "architecture": "template",
        "options": OPTIONS["template"],
        "template_sha256": load_template().sha256,
    }


@pytest.mark.parametrize(
    ("train", "said"),
    [
        (json.dumps({"steps": 500, "batch": 8, "learning_rate": 1e-3}), "500 steps of 8 samples, learning rate 0.001"),
        ("two runs of 100 steps", "two runs of 100 steps"),
        (None, ""),
    ],
)
def test_how_much_training_they_had(tmp_path, train, said):
    save_weights(tmp_path / "model.safetensors", network(), "template", {"train": train} if train else {})
    assert read_weights(tmp_path / "model.safetensors").training == said


def test_the_hash_beside_it_is_as_sha256sum_writes_it(tmp_path):
    path = weights(tmp_path)
    assert sha256_path(path).name == "template.safetensors.sha256"
    assert sha256_path(path).read_text() == f"{file_sha256(path)}  template.safetensors\n"
    assert checked_sha256(path) == file_sha256(path)
    sha256_path(path).write_text(file_sha256(path).upper())
    assert checked_sha256(path) == file_sha256(path)
    assert {p.name for p in tmp_path.iterdir()} == {path.name, sha256_path(path).name}


def test_hash_of_known_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_default_network_is_small_enough_to_ship(tmp_path):
    path = tmp_path / "model.safetensors"
    save_weights(path, TemplateNetwork(), "template", {})
    assert path.stat().st_size < 12_000_000


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"weights gone.safetensors: expected an existing file, got none"):
        load_weights(tmp_path / "gone.safetensors")


def test_a_missing_hash(tmp_path):
    path = weights(tmp_path)
    sha256_path(path).unlink()
    with pytest.raises(InputError, match=r"expected its SHA256 in template.safetensors.sha256, got no such file"):
        load_weights(path)


@pytest.mark.parametrize("text", [b"", b"0" * 64, b"\xff\xfe no text"])
def test_a_wrong_hash(tmp_path, text):
    path = weights(tmp_path)
    sha256_path(path).write_bytes(text)
    actual = file_sha256(path)[:16]
    with pytest.raises(InputError, match=rf"weights template.safetensors: expected SHA256 .*\.\.\., got {actual}"):
        load_weights(path)


def test_one_changed_bit_is_seen(tmp_path):
    path = weights(tmp_path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected SHA256"):
        load_weights(path)


@pytest.mark.parametrize("content", [b"", b"no tensors here, only words", b"\x00" * 64])
def test_garbage_with_a_right_hash(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"weights model.safetensors: expected a safetensors file, got .+"):
        load_weights(stated(path))


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_is_refused_without_being_opened(tmp_path):
    path = tmp_path / "model.safetensors"
    for old_format in (False, True):
        torch.save({"weights": Trap(tmp_path / "sprung")}, path, _use_new_zipfile_serialization=not old_format)
        with pytest.raises(InputError, match="expected a safetensors file"):
            load_weights(stated(path))
        assert not (tmp_path / "sprung").exists()
    torch.load(path.rename(tmp_path / "model.pt"), weights_only=False)["weights"].close()
    assert (tmp_path / "sprung").exists()  # the trap works


@pytest.mark.parametrize(
    ("metadata", "text"),
    [
        ({"format": "onnx"}, f"expected format {FORMAT}, got 'onnx'"),
        ({"format": None}, f"expected format {FORMAT}, got None"),
        (
            {"architecture": "transformer"},
            "architecture: expected one of context, template, sphere, finder, got 'transformer'",
        ),
        ({"architecture": None}, "architecture: expected one of context, template, sphere, finder, got ''"),
        ({"options": '{"depth": 5}'}, "weights: expected options of template, got .*depth"),
        ({"options": "[1]"}, "weights: expected options of template, got"),
        ({"options": "{widths"}, "weights template.safetensors: expected options as JSON, got"),
        ({"template_sha256": "0" * 64}, "expected to be trained on this template, got another one's hash"),
        ({"options": json.dumps(OPTIONS["template"] | {"code": 13})}, "got a different 'level_code.weight'"),
    ],
)
def test_foreign_metadata(tmp_path, metadata, text):
    path = rewritten(weights(tmp_path), **metadata)
    with pytest.raises(InputError, match=text):
        load_weights(path)


def test_foreign_tensors(tmp_path):
    path = weights(tmp_path)
    tensors = load_file(path)
    whole = dict(tensors)
    del tensors["to_pose.bias"]
    with pytest.raises(InputError, match=r"expected the tensors of its architecture, got a different 'to_pose.bias'"):
        load_weights(rewritten(path, tensors))
    with pytest.raises(InputError, match="got a different 'another'"):
        load_weights(rewritten(path, whole | {"another": torch.zeros(1)}))
    with pytest.raises(InputError, match=r"got a different 'to_pose.weight'"):
        load_weights(rewritten(path, whole | {"to_pose.weight": torch.zeros(8, 11)}))
    assert load_weights(rewritten(path, whole)).architecture == "template"


def test_an_unknown_architecture_is_not_built():
    with pytest.raises(InputError, match="architecture: expected one of context, template, sphere, finder, got 'cube'"):
        build_network("cube", {})


def test_the_sphere_says_which_package_it_needs(monkeypatch):
    """torch-geometric is not installed in Slicer; the default network works without."""
    monkeypatch.delitem(sys.modules, "ReVertLib.network.sphere_network", raising=False)
    monkeypatch.setitem(sys.modules, "torch_geometric", None)
    monkeypatch.setitem(sys.modules, "torch_geometric.nn", None)
    build_network("template", OPTIONS["template"])
    with pytest.raises(InputError, match="architecture sphere: expected the package torch_geometric"):
        build_network("sphere", {})
