"""Small networks, samples and cases that several tests share."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from scipy import ndimage

from ReVertLib.anatomy.template import baseline_mesh, load_template
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.crop_camera import CROP_FIELD_MM, CROP_SIZE_PX
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.geometry.sidecar import sidecar_text
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.io import write_mesh
from ReVertLib.mesh.mesh import Mesh, mesh_quality, volume_centroid
from ReVertLib.mesh.sampling import surface_points
from ReVertLib.mesh.silhouette import silhouette as filled_silhouette
from ReVertLib.network.weights import build_network, save_weights
from ReVertLib.synthesis.bone import voxelised
from ReVertLib.training.shards import Shard

_TEMPLATE = {
    "widths": [4, 6, 8, 8],
    "code": 12,
    "sampled": 4,
    "node_width": 8,
    "node_layers": 1,
    "neighbours": 4,
    "refinements": 2,
    "error_width": 0,
    "error_parts": False,
}
OPTIONS = {
    "template": _TEMPLATE,
    "context": _TEMPLATE | {"isolation": [4, 6, 8]},
    "sphere": {"points": 128, "k": 6, "widths": [8, 12, 16], "code_width": 16, "encoder_widths": [4, 4, 8, 8]},
}
"""Arguments of networks that differ from the real ones in size only."""


CUBE = Mesh(
    np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float),
    np.array(
        [
            *([0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5]),  # x = 0, x = 1
            *([0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6]),  # y = 0, y = 1
            *([0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]),  # z = 0, z = 1
        ]
    ),
)
"""The unit cube: vertex 4 x + 2 y + z is (x, y, z)."""


def network(architecture="template", awake=False, seed=0, **options):
    """A small untrained network; awake: the heads that start at zero are filled, so that the image matters. options:
    other than OPTIONS."""
    torch.manual_seed(seed)
    built = build_network(architecture, OPTIONS[architecture] | options)
    if awake:
        heads = [
            built.to_pose,
            built.to_shape[1],
            *(head for d in built.decoders for head in (d.to_displacement, d.to_turn[2])),
        ]
        for head in heads:
            torch.nn.init.normal_(head.weight, std=0.2)
    return built.eval()


def weights(folder: Path, architecture="template", awake=False) -> Path:
    """A weights file of a small untrained network."""
    path = folder / f"{architecture}.safetensors"
    save_weights(path, network(architecture, awake), architecture, {})
    return path


def assert_vertebra(mesh: Mesh):
    """Closed, wound outward, one foramen."""
    quality = mesh_quality(mesh)
    assert (quality.closed, quality.consistently_wound, quality.euler_number) == (True, True, 0)
    assert quality.volume_mm3 > 10_000, f"volume {quality.volume_mm3:.0f} mm^3"


def deformed(mesh: Mesh, size_mm=1.5) -> Mesh:
    """Another vertebra: a little larger and smoothly bent."""
    x, y, z = mesh.vertices.T
    bend = np.stack([np.sin(y / 15), np.cos(z / 12), np.sin(x / 20)], 1)
    return Mesh(1.05 * mesh.vertices + size_mm * bend, mesh.faces)


def silhouette(vertices: np.ndarray, camera: Geometry, size_px=CROP_SIZE_PX) -> np.ndarray:
    """(size_px, size_px) bool: the pixels that the surface of vertices (n, 3), camera frame, is seen in; by points
    so dense that no pixel is missed, and no shared code with any renderer."""
    points = surface_points(Mesh(vertices, load_template().faces), 150_000, 0)
    u, v = np.rint(camera.project(points)).astype(int).T
    seen = (u >= 0) & (u < size_px) & (v >= 0) & (v < size_px)
    image = np.zeros((size_px, size_px), bool)
    image[v[seen], u[seen]] = True
    return image


def crop_camera(sod_mm: float) -> Geometry:
    """What every crop is taken with, written down a second time."""
    focal_px = sod_mm * CROP_SIZE_PX / CROP_FIELD_MM
    return Geometry(2 * sod_mm, sod_mm, (2 * sod_mm / focal_px,) * 2, ((CROP_SIZE_PX - 1) / 2,) * 2)


def shard(count=6, shapes=2, seed=0) -> Shard:
    """A shard of blurred silhouettes of scaled mean vertebrae, near AP and lateral."""
    rng = np.random.default_rng(seed)
    rows = {name: [] for name in ("images", "level", "shape_index", "rotation", "position_mm")}
    levels = rng.integers(5, size=shapes)
    bones = [(load_template().means[level] * rng.uniform(0.9, 1.1, 3)).astype(np.float16) for level in levels]
    for i in range(count):
        rotation = view_rotation(rng.choice([0, 90]) + rng.normal(0, 8), rng.normal(0, 8), rng.normal(0, 5))
        position = np.array([*rng.normal(0, 3, 2), rng.uniform(500, 800)])
        seen = silhouette(bones[i % shapes] @ rotation.T + position, crop_camera(position[2]))
        image = np.rint(255 * ndimage.gaussian_filter(seen.astype(float), 1.0)).astype(np.uint8)
        for name, value in zip(rows, (image, levels[i % shapes], i % shapes, rotation, position), strict=True):
            rows[name].append(value)
    arrays = {name: np.stack(column) for name, column in rows.items()}
    poses = {name: arrays.pop(name).astype(np.float32) for name in ("rotation", "position_mm")}
    return Shard(**arrays, **poses, shapes=np.stack(bones))


def layered_shard(count=6, shapes=2, seed=0) -> Shard:
    """`shard` with layers: a bone above and a slope of soft tissue around each vertebra, seen as AP."""
    alone = shard(count, shapes, seed)
    rng = np.random.default_rng(seed)
    bones = np.zeros_like(alone.images)
    bones[:, :20, 40:90] = 200
    body = np.linspace(1.0, 3.0, 64, dtype=np.float16)[None, None] * np.ones((count, 64, 1), np.float16)
    return replace(
        alone,
        bones=bones,
        body=body + rng.uniform(0, 1, (count, 1, 1)).astype(np.float16),
        scale=np.full((count, 2), 2 / 255, np.float32),
        view=alone.rotation,
    )


def write_shard(folder: Path, number=0, **sizes) -> Shard:
    """A shard of `shard` on disk, its number being its seed."""
    made = shard(seed=number, **sizes)
    made.save(folder / f"shard_{number:05d}.npz")
    return made


def write_volume(path: Path, volume: Volume) -> None:
    """A volume on disk; its axes along LPS."""
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.spacing_mm.tolist())
    image.SetOrigin(volume.ijk_to_lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path))


def write_case(folder: Path, mesh: Mesh, level: str, spacing_mm=2.0, ct=True) -> None:
    """A person with one vertebra, `folder`/{segmentation,ct}.nii.gz: marrow of 200 HU, denser to the left and behind,
    in a shell of 900 HU, in water."""
    folder.mkdir(parents=True)
    matrix = np.diag([spacing_mm] * 3 + [1.0])
    matrix[:3, 3] = mesh.vertices.min(0) - 6.0
    size = np.ceil((np.ptp(mesh.vertices, axis=0) + 12.0) / spacing_mm).astype(int)
    grid = Volume(np.zeros(size[::-1], np.float32), matrix)
    inside = voxelised(mesh, grid)
    write_volume(folder / "segmentation.nii.gz", Volume((inside * VERSE_LABELS[level]).astype(np.uint8), matrix))
    if ct:
        _, j, i = np.indices(inside.shape)
        shell = inside & ~ndimage.binary_erosion(inside)
        hu = np.where(inside, 200.0 + 4.0 * i + 2.0 * j, 0.0) + 700.0 * shell
        write_volume(folder / "ct.nii.gz", Volume(hu.astype(np.float32), matrix))


def write_vertebra(folder, level, sod_mm, views):
    """A bent mean vertebra in the layout of a data set, an image for each view. The depth tells the images apart."""
    truth = deformed(baseline_mesh(level))
    truth = truth.moved(RigidTransform.shift(np.array([30.0, -50.0, 400.0])))
    name = f"case_segment_{VERSE_LABELS[level]}"
    rendering = folder / "DRR" / name / "rendering"
    rendering.mkdir(parents=True)
    (folder / "Mesh").mkdir(exist_ok=True)
    write_mesh(truth, folder / "Mesh" / f"{name}.stl")
    poses = []
    for i, (view, yaw) in enumerate(views.items()):
        camera = replace(crop_camera(sod_mm + i), level=level, box_px=(4.0, 4.0, 124.0, 124.0))
        matrix = np.eye(4)
        matrix[:3, :3] = view_rotation(yaw)
        matrix[:3, 3] = [0, 0, sod_mm + i] - matrix[:3, :3] @ volume_centroid(truth)
        placed = truth.moved(RigidTransform.from_matrix(matrix))
        image = ndimage.gaussian_filter(255.0 * filled_silhouette(placed, camera, (128, 128)), 1.0)
        sitk.WriteImage(sitk.GetImageFromArray(image.astype(np.uint8)), str(rendering / f"{i:02d}.png"))
        (rendering / f"{i:02d}.json").write_text(sidecar_text(camera))
        poses.append({"image": f"{i:02d}.png", "view": view, "camera_from_lps": matrix.tolist()})
    (rendering / "poses.json").write_text(json.dumps(poses))
