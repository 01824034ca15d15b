"""Finding cases in both layouts."""

import pytest

from ReVertLib.dataset.cases import find_cases, is_held_out
from ReVertLib.dataset.layout import split_of
from ReVertLib.errors import InputError


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(root):
    """(name, label map, CT) of every case, relative to root."""
    return [
        (c.name, c.labels.relative_to(root).as_posix(), c.ct and c.ct.relative_to(root).as_posix())
        for c in find_cases(root)
    ]


def test_a_folder_for_each_case(tmp_path):
    touch(tmp_path, "b/ct.nii.gz", "b/segmentation.nii.gz", "deep/a/ct.nii.gz", "deep/a/seg.nii.gz")
    assert found(tmp_path) == [
        ("b", "b/segmentation.nii.gz", "b/ct.nii.gz"),
        ("a", "deep/a/seg.nii.gz", "deep/a/ct.nii.gz"),
    ]


def test_links_to_folders_are_followed_and_not_in_circles(tmp_path):
    touch(tmp_path, "there/a/ct.nii.gz", "there/a/seg.nii.gz", "here/b/seg.nii.gz")
    (tmp_path / "here/a").symlink_to(tmp_path / "there/a", target_is_directory=True)
    (tmp_path / "here/b/up").symlink_to(tmp_path / "here", target_is_directory=True)
    (tmp_path / "here/c").symlink_to(tmp_path / "there/a", target_is_directory=True)
    assert found(tmp_path / "here") == [("a", "a/seg.nii.gz", "a/ct.nii.gz"), ("b", "b/seg.nii.gz", None)]


def test_bids_with_both_files_in_one_folder_or_in_two_trees(tmp_path):
    touch(tmp_path, "sub-verse004_ct.nii.gz", "sub-verse004_seg-vert_msk.nii.gz")
    touch(
        tmp_path,
        "rawdata/sub-verse005/sub-verse005_dir-ax_ct.nii.gz",
        "derivatives/sub-verse005/sub-verse005_dir-ax_seg-vert_msk.nii.gz",
    )
    assert found(tmp_path) == [
        (
            "verse005_dir-ax",
            "derivatives/sub-verse005/sub-verse005_dir-ax_seg-vert_msk.nii.gz",
            "rawdata/sub-verse005/sub-verse005_dir-ax_ct.nii.gz",
        ),
        ("verse004", "sub-verse004_seg-vert_msk.nii.gz", "sub-verse004_ct.nii.gz"),
    ]


def test_of_two_cts_of_one_name_the_first_is_taken(tmp_path):
    touch(tmp_path, "b/sub-x_ct.nii.gz", "a/sub-x_ct.nii.gz", "c/sub-x_seg-vert_msk.nii.gz")
    assert found(tmp_path) == [("x", "c/sub-x_seg-vert_msk.nii.gz", "a/sub-x_ct.nii.gz")]


def test_a_case_without_ct_and_files_of_other_kinds(tmp_path):
    touch(tmp_path, "a/segmentation.nii.gz", "a/other.nii.gz", "b/ct.nii.gz", "sub-c_seg-vert_msk.nii.gz", "notes.txt")
    assert found(tmp_path) == [("a", "a/segmentation.nii.gz", None), ("c", "sub-c_seg-vert_msk.nii.gz", None)]


def test_a_ct_in_hounsfield_units_goes_before_one_of_bone_only(tmp_path):
    touch(
        tmp_path,
        "a/ct_bone_ge200HU.nii.gz",
        "a/ct.nii.gz",
        "a/seg.nii.gz",
        "b/density_bone_only.nii.gz",
        "b/seg.nii.gz",
    )
    assert [ct for _, _, ct in found(tmp_path)] == ["a/ct.nii.gz", "b/density_bone_only.nii.gz"]


def test_a_case_in_the_current_folder_has_its_name(tmp_path, monkeypatch):
    touch(tmp_path, "anna/ct.nii.gz", "anna/segmentation.nii.gz")
    monkeypatch.chdir(tmp_path / "anna")
    assert [case.name for case in find_cases(".")] == ["anna"]


def test_no_folder_and_no_case(tmp_path):
    with pytest.raises(InputError, match=r"cases: expected a folder, got '.*nowhere'"):
        find_cases(tmp_path / "nowhere")
    touch(tmp_path, "ct.nii.gz", "readme.txt")
    with pytest.raises(InputError, match=r"expected <case>/segmentation.nii.gz, sub-.+ or .+, got none in"):
        find_cases(tmp_path)


@pytest.mark.parametrize(
    "case",
    [
        "verse008",
        "VERSE008",
        "Verse008_CT-ax",
        "sub-verse008",
        "sub-Verse008_dir-iso",
        "verse008_split-verse112",
        "verse112_split-verse008",
        "sub-verse112_split-verse008_dir-ax",
        "verse008_L2_density",
        "verse008-2",
    ],
)
def test_the_person_held_out_by_any_name(case):
    assert is_held_out(case, ("verse008",))
    assert is_held_out(case, ("sub-VERSE008",))
    assert split_of(case) == "val"


@pytest.mark.parametrize("case", ["verse0081", "verse00", "verse112_split-verse0081", "averse008", "sub-verse009"])
def test_others_are_not_held_out(case):
    assert not is_held_out(case, ("verse008",))


def test_a_person_has_one_split_by_every_name():
    for number in range(40):
        names = (f"verse{number:03d}", f"sub-Verse{number:03d}", f"VERSE{number:03d}_dir-ax")
        assert len({split_of(name) for name in names}) == 1
