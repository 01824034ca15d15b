"""The computations of networks as ONNX graphs without their weights, which ship with the library.

    python -m ReVertLib.network.onnx_graphs

writes those of the shipped weights anew; needed when a network computes something else. `onnx_network` runs them with
the weights of any file that has the same options. A network in context answers in two steps: what is seen of the crops,
whatever the view, then the surfaces for given views.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ReVertLib.files import whole_file
from ReVertLib.progress import log
from ReVertLib.resources import FINDER_FILE, GRAPHS_FILE, WEIGHTS_FILE

from .context_network import ContextNetwork, Sight
from .edge_conv import NEGATIVE_SLOPE, EdgeConv
from .film_cells import MULTIPLE_PX
from .finder_network import FinderNetwork, three_channels
from .gathering import by_gathering
from .isolation import Isolated
from .onnx_program import check_installed, onnx_program
from .template_network import Read
from .weights import build_network
from .weights_file import read_weights

PREFIX = "network."
"""Of the names of tensors of a network in the modules below."""
LARGEST_CONSTANT = 256
"""Bytes of what is computed once for all while a graph is written; what is larger, ONNX Runtime does when it loads."""
SIGHT, SURFACES, CELLS = "sight", "surfaces", "cells"
MAPS = ("map_0", "map_1", "map_2", "map_3")
SEEN = ("bone", "inside", "code", *MAPS, "pooled", "textures")
"""What the first step hands to the second, beside the crops."""
JUDGED = ("vertices", "expected_error_mm", "error_parts_mm", "out_of_distribution")


class _Sight(nn.Module):
    """The first step of a network in context."""

    def __init__(self, network: ContextNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """SEEN and the logits of the views."""
        sight = self.network.sight(image)
        read = self.network.read(sight.features)
        bone, inside = sight.isolated.bone, sight.isolated.inside
        return bone, inside, sight.code, *read.maps, read.pooled, read.textures, sight.yaw


class _Surfaces(nn.Module):
    """The second step."""

    def __init__(self, network: ContextNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        image: Tensor,
        bone: Tensor,
        inside: Tensor,
        code: Tensor,
        map_0: Tensor,
        map_1: Tensor,
        map_2: Tensor,
        map_3: Tensor,
        pooled: Tensor,
        textures: Tensor,
        level: Tensor,
        sod_mm: Tensor,
        view: Tensor,
    ) -> tuple[Tensor, ...]:
        """JUDGED, of crops, SEEN, and level, sod_mm and view as `ContextNetwork.answers` takes them."""
        sight = Sight(image, Isolated(bone, inside), [], code, code)
        read = Read([map_0, map_1, map_2, map_3], pooled, textures)
        answer = self.network.answer_from(read, sight, level, sod_mm, view)
        found = self.network.judged(*answer)
        return found.vertices, found.expected_error_mm, found.error_parts_mm, found.out_of_distribution


class _Cells(nn.Module):
    """All of a finder."""

    def __init__(self, network: FinderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, there: Tensor) -> Tensor:
        return self.network.cells(three_channels(image, there))


class _OpenEdgeConv(nn.Module):
    """What `edge_conv.maximum_over_edges` computes with given statistics, from its weights as they are in a file."""

    def __init__(self, layer: EdgeConv) -> None:
        super().__init__()
        self.nn = layer.nn

    def forward(self, x: Tensor, neighbours: Tensor) -> Tensor:
        """(B, N, out) from x (B, N, in) and neighbours (N, k), shared by the batch."""
        linear, norm, _ = self.nn
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        own, other = linear.weight.chunk(2, dim=1)
        centre = x @ ((own - other) * scale[:, None]).T + (norm.bias - norm.running_mean * scale)
        neighbour = x @ (other * scale[:, None]).T
        first, *others = neighbours.unbind(1)
        highest = neighbour.index_select(1, first)
        for column in others:
            highest = torch.maximum(highest, neighbour.index_select(1, column))
        return F.leaky_relu(centre + highest, NEGATIVE_SLOPE)


def write_graphs(index: Path = GRAPHS_FILE, weights: Sequence[Path] = (WEIGHTS_FILE, FINDER_FILE)) -> None:
    """The graphs of the networks of weights files, beside the index, which says of each architecture its options, and
    the shapes of the tensors that each graph asks for."""
    check_installed()
    found = {}
    for path in weights:
        file = read_weights(path)
        network = _filled_at_random(build_network(file.architecture, file.options))
        graphs = _context_graphs(network) if file.architecture == "context" else _finder_graphs(network)
        asked = {name: _write(graph, index.with_name(f"{file.architecture}_{name}.onnx")) for name, graph in graphs}
        found[file.architecture] = {"options": file.options, "graphs": asked}
    with whole_file(index) as temporary:
        temporary.write_text(json.dumps(found) + "\n")


def _filled_at_random(network: nn.Module) -> nn.Module:
    """Ready to be exported: whatever is equal or zero in an untrained network would be taken for one constant."""
    random = torch.Generator().manual_seed(0)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=random))
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, EdgeConv):
                setattr(parent, name, _OpenEdgeConv(child))
    return network.requires_grad_(False).eval()


@torch.no_grad()
def _context_graphs(network: ContextNetwork) -> list[tuple[str, torch.onnx.ONNXProgram]]:
    size = network.crop_size_px
    image, level = torch.rand(2, 1, size, size), torch.zeros(2, dtype=torch.long)
    sight, surfaces = _Sight(network), _Surfaces(by_gathering(network))
    seen = dict(zip(SEEN, sight.eval()(image), strict=False))
    asked = {"level": level, "sod_mm": torch.full((2,), 600.0), "view": torch.eye(3).repeat(2, 1, 1)}
    return [
        (SIGHT, onnx_program(sight, {"image": image}, (*SEEN, "yaw"), optimize=False)),
        (SURFACES, onnx_program(surfaces, {"image": image} | seen | asked, JUDGED, optimize=False)),
    ]


@torch.no_grad()
def _finder_graphs(network: FinderNetwork) -> list[tuple[str, torch.onnx.ONNXProgram]]:
    image = torch.rand(1, 1, 4 * MULTIPLE_PX, 3 * MULTIPLE_PX)
    sides = tuple(MULTIPLE_PX * torch.export.Dim(name, min=3) for name in ("rows", "columns"))
    example = {"image": image, "there": torch.ones_like(image)}
    return [(CELLS, onnx_program(_Cells(network), example, (CELLS,), dict(zip((2, 3), sides, strict=True)), False))]


def _write(program: torch.onnx.ONNXProgram, path: Path) -> dict[str, list[int]]:
    """Writes a graph without the values of weights; returns their shapes, by name."""
    import onnx_ir
    from onnx import TensorProto
    from onnx_ir.passes import common
    from onnxscript import optimizer

    model = program.model
    graph = model.graph
    weights = [value for name, value in graph.initializers.items() if name.startswith(PREFIX)]
    for value in weights:  # as inputs they are not taken for constants
        del graph.initializers[value.name]
        value.const_value = None
        graph.inputs.append(value)
    optimizer.optimize(model, output_size_limit=LARGEST_CONSTANT)
    for clean in (common.CommonSubexpressionEliminationPass(), common.LiftConstantsToInitializersPass(True)):
        clean(model)
    proto = onnx_ir.to_proto(model)
    asked = {}
    for value in weights:
        proto.graph.input.remove(next(one for one in proto.graph.input if one.name == value.name))
        tensor = proto.graph.initializer.add(name=value.name, dims=value.shape.numpy(), data_type=value.dtype)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights")
        asked[value.name.removeprefix(PREFIX)] = list(tensor.dims)
    del proto.graph.value_info[:], proto.graph.metadata_props[:]
    for node in proto.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    with whole_file(path) as temporary:
        temporary.write_bytes(proto.SerializeToString())
    log.info(f"{path.name}: {path.stat().st_size} bytes, {len(asked)} tensors")
    return asked


if __name__ == "__main__":
    write_graphs()
