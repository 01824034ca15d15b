"""The samples that come with the extension: three computed radiographs of one L3, its CT and segmentation, and a
computed film of a whole lumbar spine with the segmentation of the CT it is from."""

import json
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVEL_OF_LABEL
from ReVertLib.geometry.sidecar import read_sidecar
from ReVertLib.geometry.views import VIEW_ANGLES
from ReVertLib.resources import FILM_FOLDER, SAMPLE_FOLDER
from ReVertSlicer.input.placement import addBox
from ReVertSlicer.input.sources import SAMPLE

from .layout import showInSlices

URL = "https://github.com/revert-spine/SlicerReVert/raw/main/Resources/"
CATEGORY = "ReVert"
NAME = "ReVert.SampleName"
"""Attribute of a node of the sample: a view, or CT. A node that is in the scene already is used again."""
CT, FILM, FILM_CT = "ct", "film", "film ct"
YAW_DEG = {"ap": 0.0, "lateral": 90.0, "oblique": 25.0}
"""The views of L3, by their part of the files' names."""
IMAGES = {view: SAMPLE_FOLDER / f"verse008_L3_{view}.png" for view in YAW_DEG} | {FILM: FILM_FOLDER / "film_ap.png"}
"""By what `loadSample` calls it."""
SHA256 = {
    "film/film_ap.json": "60455caf79a54a3973ac3b8882163783bc606342911c879a2b65300965be6958",
    "film/film_ap.png": "c876d71164f73c216aa1492f6c30143c2e57c7d8dbfec6e5705b9f20435ded0d",
    "film/segmentation.nii.gz": "85f5e49a3eec326729b432d3b558bf041bc7314884b24886dfe936d165c7c3d2",
    "sample/ct.nii.gz": "a6fda106df4bf1eec4d1bcc750a17c15899085cc453934d51a8a83029cb16928",
    "sample/segmentation.nii.gz": "c743551f6c42be1afcdf19b6db5726f31eb76de53b3bc9e9e0dbf18adb31653b",
    "sample/verse008_L3_ap.json": "3e7dacc9cafaa4b472af1ab01c4ef3f207668071299ece0e40ebc8e03ce87a2b",
    "sample/verse008_L3_ap.png": "322e6ea5419d1e1a6c2b210e3549b57144cdf7ff8076a28caadabb1de44b6b6a",
    "sample/verse008_L3_lateral.json": "65edcc1f66d4fa6fa5d89b9d9f1c1f9d46c07661e6fbf084b1a9a2c0aab38265",
    "sample/verse008_L3_lateral.png": "a9727f1d1e250933c0159c35a4df7611a38c263e00d3d7c89e957a5588244a3a",
    "sample/verse008_L3_oblique.json": "61101e019a0c95f36c9fd28a34662d2b067f49a9e1d887c11330c998b51cb481",
    "sample/verse008_L3_oblique.png": "b905155b3d534c29726f4e71237d160a205ba685fb697a222f120ec62728714e",
}


@dataclass(frozen=True)
class Sample:
    """radiograph: vtkMRMLScalarVolumeNode that knows its geometry, the vertebra of L3's placed. segmentation:
    vtkMRMLSegmentationNode with the segment L3, or L1 to L5 of the film."""

    radiograph: object
    segmentation: object


def loadSample(view="ap"):
    """A radiograph and the segmentation from the installed files, or those that are in the scene already; no network is
    needed. view: of IMAGES.

    Raises InputError for another view and where the files are not installed.
    """
    if view not in IMAGES:
        raise InputError(_("sample: expected one of {views}, got {view!r}").format(views=", ".join(IMAGES), view=view))
    radiograph = _present("vtkMRMLScalarVolumeNode", view) or (_film() if view == FILM else _radiograph(view))
    kind, name = (FILM_CT, "ReVert film CT") if view == FILM else (CT, "ReVert L3 CT")
    return Sample(radiograph, _present("vtkMRMLSegmentationNode", kind) or _segmentation(kind, name, IMAGES[view]))


def _present(className, name):
    return next((node for node in slicer.util.getNodesByClass(className) if node.GetAttribute(NAME) == name), None)


def _radiograph(view):
    image = IMAGES[view]
    known = read_sidecar(image.with_suffix(".json"))
    level, boxPx = known.pop("level"), known.pop("box_px")
    angles = dict(zip(VIEW_ANGLES, (YAW_DEG[view], 0.0, 0.0), strict=True))
    node = _volumeFromPng(image, f"ReVert {level} {view}")
    node.SetDescription(_("DRR: computed from the CT of VerSe case verse008, not taken with X-rays"))
    node.SetAttribute(NAME, view)
    node.SetAttribute(SAMPLE, json.dumps({**known, **angles}))
    addBox(node, level, boxPx)
    return node


def _film():
    known = {key: value for key, value in read_sidecar(IMAGES[FILM].with_suffix(".json")).items() if value is not None}
    node = _volumeFromPng(IMAGES[FILM], "ReVert film")
    node.SetDescription(_("DRR: the bones of VerSe case verse008 in a synthetic body, not taken with X-rays"))
    node.SetAttribute(NAME, FILM)
    node.SetAttribute(SAMPLE, json.dumps(known))
    return node


def registerSampleData():
    """Lists the case in the Sample Data module. To be called when the application has started."""
    from SampleData import SampleDataLogic

    for view, image in IMAGES.items():
        files = {image.name: "VolumeFile", f"{image.stem}.json": None, "segmentation.nii.gz": "SegmentationFile"}
        SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName="ReVert film (DRR)" if view == FILM else f"ReVert L3 {view} (DRR)",
            customDownloader=loadFromSource,
            thumbnailFileName=str(image),
            **_described(image.parent, files),
        )
    SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName="ReVert L3 CT",
        thumbnailFileName=str(IMAGES["lateral"]),
        **_described(SAMPLE_FOLDER, {"ct.nii.gz": "VolumeFile", "segmentation.nii.gz": "SegmentationFile"}),
    )


def loadFromSource(source):
    """A click in the Sample Data module on one of the radiographs: the installed files are the ones it names, and with
    them come the geometry and the place of the vertebra, which a download alone would not bring."""
    view = next(view for view, image in IMAGES.items() if image.name in source.fileNames)
    showInSlices(loadSample(view).radiograph)


def _described(folder, types):
    """What SampleData wants to know of files in a folder. types: how to load each; None only downloads it."""
    return {
        "uris": [f"{URL}{folder.name}/{file}" for file in types],
        "fileNames": list(types),
        "nodeNames": [file.split(".")[0] if kind else None for file, kind in types.items()],
        "checksums": [f"SHA256:{SHA256[f'{folder.name}/{file}']}" for file in types],
        "loadFileType": list(types.values()),
    }


def _volumeFromPng(path, name):
    """A volume node in the pose that Slicer gives pictures: columns run to L, rows to P."""
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    columns, rows, _slices = reader.GetOutput().GetDimensions()
    lastRowFirst = vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(rows, columns)
    pose = slicer.util.vtkMatrixFromArray(np.diag([-1.0, -1.0, 1.0, 1.0]))
    return slicer.util.addVolumeFromArray(lastRowFirst[None, ::-1], ijkToRAS=pose, name=name)


def _segmentation(kind, name, image):
    """The label map beside an image as a segmentation node, its segments named by their level."""
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(image.with_name("segmentation.nii.gz")))
    try:
        if not storage.ReadData(labels):
            raise InputError(_("sample: expected segmentation.nii.gz to be installed, got none that can be read"))
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        node.CreateDefaultDisplayNodes()
        slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(labels, node)
    finally:
        slicer.mrmlScene.RemoveNode(labels)
    segmentation = node.GetSegmentation()
    for segment in map(segmentation.GetSegment, segmentation.GetSegmentIDs()):
        segment.SetName(LEVEL_OF_LABEL[segment.GetLabelValue()])
    node.SetAttribute(NAME, kind)
    return node
