"""What a data set holds, and reading it back: layout, manifest, images, surfaces, splits, damage."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from log_lines import log_lines
from phantoms import SIZE_PX, build, contents, write_blocks
from projections import vertebra_drr
from tiny import write_volume

from ReVertLib.dataset.build import build_dataset
from ReVertLib.dataset.build_case import VIEWS
from ReVertLib.dataset.layout import read_dataset, split_of
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.labels import label_mesh, read_label_map
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.imaging.volume import Volume, read_volume
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import mesh_quality
from ReVertLib.projection.drr import DrrView, c_arm


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two whole cases, one in each layout, and what must be skipped."""
    root = tmp_path_factory.mktemp("root")
    write_blocks(root / "anna", ((22, 4), (20, 18), (19, 32)))
    bids = ("sub-bert_ct.nii.gz", "sub-bert_seg-vert_msk.nii.gz")
    write_blocks(root / "bids", ((24, 14),), bids, mirrored=True)
    write_blocks(root / "cut")
    cut = root / "cut" / "ct.nii.gz"
    cut.write_bytes(cut.read_bytes()[:-200])
    write_blocks(root / "neck", ((7, 10),))
    write_blocks(root / "seg", names=("unused.nii.gz", "seg.nii.gz"))
    write_blocks(root / "bone", names=("density_bone_only.nii.gz", "seg.nii.gz"))
    write_blocks(root / "scrap", ((20, 14),))
    scrap = read_label_map(root / "scrap" / "segmentation.nii.gz")
    scrap.array[39, 0, 0] = 21
    write_volume(root / "scrap" / "segmentation.nii.gz", Volume(scrap.array.astype(np.uint8), scrap.ijk_to_lps))
    write_blocks(root / "shifted")
    ct = read_volume(root / "shifted" / "ct.nii.gz")
    write_volume(root / "shifted" / "ct.nii.gz", Volume(ct.array, ct.ijk_to_lps + np.eye(4, k=3)))
    return root


WHOLE = ["anna_segment_20", "anna_segment_22", "bert_segment_24", "scrap_segment_20"]


@pytest.fixture(scope="module")
def built(root, tmp_path_factory):
    """A clinical data set of the cases, and what was logged."""
    out = tmp_path_factory.mktemp("out") / "new" / "dataset"
    with log_lines() as lines, pytest.raises(InputError) as stopped:
        build_dataset(root, out, "clinical", workers=1, size_px=SIZE_PX)
    text = "cases: expected files that can be used, got others in cut, shifted; manifest.json says why"
    assert str(stopped.value) == text
    return out, lines


def test_the_layout_is_the_original_s(built):
    out, _ = built
    images = [f"{n:02d}{suffix}" for n in range(5) for suffix in (".json", ".png")]
    expected = [f"DRR/{name}/rendering/{file}" for name in WHOLE for file in (*images, "poses.json")]
    expected += [f"Mesh/{name}.stl" for name in WHOLE]
    assert sorted(contents(out)) == sorted([*expected, "manifest.json"])


def test_the_seed_views_are_12_turns_and_12_tilts():
    seed = list(VIEWS["seed"].values())
    assert [v.yaw_deg for v in seed[:12]] == [v.pitch_deg for v in seed[12:]] == list(range(0, 360, 30))
    assert not any(v.pitch_deg or v.roll_deg for v in seed[:12]) and not any(v.yaw_deg or v.roll_deg for v in seed[12:])
    assert len(VIEWS["seed"]) == 24


def test_a_left_lateral_has_the_left_side_at_the_detector():
    left = view_rotation(VIEWS["clinical"]["left_lateral"].yaw_deg)
    assert np.allclose(left @ [1, 0, 0], [0, 0, 1])  # LPS +x, left, is along the beam


def test_the_manifest_lists_every_file_with_its_hash_and_what_was_skipped(built):
    out, lines = built
    manifest = json.loads((out / "manifest.json").read_text())
    assert list(manifest["vertebrae"]) == WHOLE
    listed = {file: sha for entry in manifest["vertebrae"].values() for file, sha in entry["sha256"].items()}
    there = {name: hashlib.sha256(content).hexdigest() for name, content in contents(out).items()}
    assert listed == {name: sha for name, sha in there.items() if name != "manifest.json"}
    assert manifest["options"] == {"views": "clinical", "size_px": SIZE_PX, "context": False}
    assert set(manifest["versions"]) == {"revert", "torch"}
    entry = manifest["vertebrae"]["anna_segment_22"]
    assert (entry["case"], entry["label"], entry["level"], entry["cut_off"]) == ("anna", 22, "L3", False)
    assert entry["split"] == split_of("anna")
    reasons = {(s["case"], s["label"]): s["reason"] for s in manifest["skipped"]}
    assert reasons == {
        ("cut", None): "CT ct.nii.gz: expected a whole NIfTI file, got one that is cut off",
        ("neck", None): "no lumbar label (20 to 24)",
        ("scrap", 21): "label 21: expected a vertebra, got one slice of 1 x 1 x 1 voxels",
        ("bone", None): "CT: expected Hounsfield units of all tissue, got a volume of bone only",
        ("shifted", None): "CT and label map: expected one grid, got grids 1 mm apart",
        ("seg", None): "CT: expected one beside the label map, got none",
    }
    assert manifest["failed"] == {name: reasons[name, None] for name in ("cut", "shifted")}
    assert "skipped scrap label 21: label 21: expected a vertebra, got one slice of 1 x 1 x 1 voxels" in lines
    assert lines[-1] == f"{out}: 4 vertebrae, 5 images each, listed in manifest.json"


def test_a_cut_off_vertebra_is_marked(tmp_path):
    write_blocks(tmp_path / "in/a", ((20, 32), (21, 14)))
    build(tmp_path / "in", tmp_path / "out")
    vertebrae = json.loads((tmp_path / "out/manifest.json").read_text())["vertebrae"]
    assert [entry["cut_off"] for entry in vertebrae.values()] == [True, False]
    poses = json.loads((tmp_path / "out/DRR/a_segment_20/rendering/poses.json").read_text())
    assert all("cut off" in pose["warnings"][0] for pose in poses)


def test_images_are_those_of_the_drr_command(root, built):
    item = read_dataset(built[0])[2]
    ct = read_volume(root / "bids" / "sub-bert_ct.nii.gz")
    labels = read_label_map(root / "bids" / "sub-bert_seg-vert_msk.nii.gz")
    for index, yaw in enumerate((0, -90, 90, -25, 25)):
        drr = vertebra_drr(ct, labels, 24, DrrView(yaw), c_arm(SIZE_PX), (SIZE_PX, SIZE_PX))
        assert np.array_equal(read_radiograph(item.images[index]).pixels, drr.pixels)
        assert item.geometries[index] == drr.geometry
        assert np.allclose(item.camera_from_lps[index].matrix, drr.camera_from_lps.matrix)


def test_reading_gives_everything_back(root, built):
    items = read_dataset(built[0])
    assert [item.vertebra for item in items] == WHOLE
    assert [(item.case, item.label, item.level) for item in items[1:3]] == [("anna", 22, "L3"), ("bert", 24, "L5")]
    for item in items:
        assert item.views == ("ap", "left_lateral", "right_lateral", "oblique_-25", "oblique_+25")
        assert item.split == split_of(item.case)
        assert {len(item.images), len(item.geometries), len(item.camera_from_lps)} == {5}
        mesh = read_mesh(item.mesh)
        assert mesh_quality(mesh).closed and mesh_quality(mesh).volume_mm3 > 0
        for image, geometry, camera_from_lps in zip(item.images, item.geometries, item.camera_from_lps, strict=True):
            pixels = geometry.project(camera_from_lps.apply(mesh.vertices))
            v, u = np.nonzero(read_radiograph(image).pixels > 0.05 * 65535)
            assert geometry.level == item.level
            assert np.allclose([u.min(), v.min(), u.max(), v.max()], [*pixels.min(0), *pixels.max(0)], atol=1.6)
    labels = read_label_map(root / "anna" / "segmentation.nii.gz")
    vertices = read_mesh(items[1].mesh).vertices
    assert np.allclose(vertices.mean(0), label_mesh(labels, 22).vertices.mean(0), atol=0.05)


def test_the_split_is_by_person_and_70_20_10():
    for number in range(500, 530):
        assert split_of(f"verse{number}_dir-ax") == split_of(f"verse{number}_dir-sag") == split_of(f"verse{number}")
    splits = [split_of(f"case_{number}") for number in range(4000)]  # the _ of a plain name is no BIDS entity
    for name, share in (("train", 0.7), ("val", 0.2), ("test", 0.1)):
        assert splits.count(name) / 4000 == pytest.approx(share, abs=0.025)
    # SHA256 of these names begins with 0x2480 and 0xc9e7, fixed for ever: a test person must not become a training one.
    assert (split_of("verse008"), split_of("verse002")) == ("val", "val")  # the first by name, the other by hash


@pytest.fixture
def one(tmp_path):
    """A finished data set of one case with one vertebra."""
    write_blocks(tmp_path / "in/anna", ((21, 14),))
    build(tmp_path / "in", tmp_path / "out")
    return tmp_path / "out"


def change_pose(**change):
    def damage(out):
        path = out / "DRR/anna_segment_21/rendering/poses.json"
        poses = json.loads(path.read_text())
        poses[2].update(change)
        path.write_text(json.dumps(poses))

    return damage


def rendering(out):
    return out / "DRR/anna_segment_21/rendering"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "data set: expected an existing folder, got"),
        (
            lambda out: shutil.rmtree(out / "DRR"),
            "data set: expected DRR/<case>_segment_<label>/rendering, got none in",
        ),
        (lambda out: (out / "DRR/anna_segment_21").rename(out / "DRR/anna_21"), "expected folders .*, got 'anna_21'"),
        (lambda out: (out / "DRR/anna_segment_21").rename(out / "DRR/a_segment_19"), "20 to 24.*got 'a_segment_19'"),
        (
            lambda out: (out / "Mesh/anna_segment_21.stl").unlink(),
            "data set: expected Mesh/anna_segment_21.stl, got none",
        ),
        (
            lambda out: (rendering(out) / "poses.json").unlink(),
            "anna_segment_21: expected poses.json beside the images",
        ),
        (lambda out: (rendering(out) / "poses.json").write_text("{"), "expected a readable poses.json, got"),
        (
            lambda out: (rendering(out) / "poses.json").write_text("[]"),
            "expected image, view, camera_from_lps for each",
        ),
        (change_pose(camera_from_lps=[[1, 0], [0, 1]]), "expected image, view, camera_from_lps for each image"),
        (change_pose(camera_from_lps=(2 * np.eye(4)).tolist()), "expected image, view, camera_from_lps for each image"),
        (
            change_pose(camera_from_lps=np.diag([-1, 1, 1, 1]).tolist()),
            "expected image, view, camera_from_lps for each",
        ),
        (change_pose(image="../../00.png"), "expected image, view, camera_from_lps for each image"),
        (change_pose(image="99.png"), "data set anna_segment_21: expected the image 99.png, got none"),
        (lambda out: (rendering(out) / "01.png").write_text("no"), "expected the image 01.png, got one that cannot be"),
        (lambda out: (rendering(out) / "01.json").unlink(), "anna_segment_21: sidecar 01.json: expected a JSON file"),
        (
            lambda out: (rendering(out) / "01.json").write_text('{"sdd_mm": 1}'),
            "anna_segment_21: geometry: expected sod_mm",
        ),
    ],
)
def test_a_damaged_data_set_is_refused(one, damage, message):
    damage(one)
    with pytest.raises(InputError, match=message):
        read_dataset(one)


def test_a_damaged_vertebra_costs_only_itself(one):
    failures = Failures()
    shutil.copytree(one / "DRR/anna_segment_21", one / "DRR/bert_segment_21")
    assert [item.vertebra for item in read_dataset(one, failures)] == ["anna_segment_21"]
    assert failures.reasons == {"bert_segment_21": "data set: expected Mesh/bert_segment_21.stl, got none"}
    (one / "Mesh/anna_segment_21.stl").unlink()
    with pytest.raises(InputError, match=r"expected 2 vertebrae, got none that can be used; not: anna_.*, bert_"):
        read_dataset(one, Failures())
