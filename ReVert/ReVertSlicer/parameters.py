"""The module's state, saved with the scene. What belongs to one radiograph is kept on its node (radiograph.py)."""

from typing import Annotated

from slicer import vtkMRMLModelNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

from ReVertLib.geometry import LEVELS

from . import colours

DEVICES = ("auto", "cpu", "cuda", "mps")
ALIGNMENTS = ("none", "translation", "rigid", "similarity")
BONE, EXPECTED_ERROR, DISTANCE = "bone", "expected error", "distance to CT"
ARRAYS = {BONE: None, EXPECTED_ERROR: colours.EXPECTED_ERROR, DISTANCE: colours.SIGNED_DISTANCE}
"""The model's array behind each choice of colours."""


@parameterNodeWrapper
class ReVertParameterNode:
    """weights: path of a weights file; empty for the shipped ones. colour: what the model's colours mean."""

    radiograph: vtkMRMLScalarVolumeNode
    sliceIndex: Annotated[int, WithinRange(0, 99999)] = 0
    level: Annotated[str, Choice(list(LEVELS))] = "L3"
    device: Annotated[str, Choice(list(DEVICES))] = "auto"
    weights: str
    model: vtkMRMLModelNode
    colour: Annotated[str, Choice([BONE, EXPECTED_ERROR, DISTANCE])] = BONE
    segmentation: vtkMRMLSegmentationNode
    segmentId: str
    alignment: Annotated[str, Choice(list(ALIGNMENTS))] = "rigid"
