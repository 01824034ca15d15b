"""The module's state, saved with the scene. What belongs to one radiograph is kept on its node (radiograph.py)."""

from typing import Annotated

from slicer import vtkMRMLDisplayableNode, vtkMRMLModelNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

from ReVertLib.geometry.levels import LEVELS

from . import colours

DEVICES = ("auto", "cpu", "cuda", "mps")
ALIGNMENTS = ("none", "translation", "rigid", "similarity")
BONE, EXPECTED_ERROR, DISTANCE = "bone", "expected error", "distance to CT"
ARRAYS = {BONE: None, EXPECTED_ERROR: colours.EXPECTED_ERROR, DISTANCE: colours.SIGNED_DISTANCE}
"""The model's array behind each choice of colours."""
CHOICES = {"level": list(LEVELS), "device": list(DEVICES), "colour": list(ARRAYS), "alignment": list(ALIGNMENTS)}
"""What a parameter may be."""


@parameterNodeWrapper
class ReVertParameterNode:
    """weights: path of a weights file; empty for the shipped ones. colour: what the model's colours mean.
    beamFollows: whether image and beam in 3D move with the model when it is aligned. ct, ctLabels: what is aligned to
    the radiograph, with its segmentation or label map. second: another radiograph of the same person, from another
    side."""

    radiograph: vtkMRMLScalarVolumeNode
    sliceIndex: Annotated[int, WithinRange(0, 99999)] = 0
    level: Annotated[str, Choice(CHOICES["level"])] = "L3"
    device: Annotated[str, Choice(CHOICES["device"])] = "auto"
    weights: str
    model: vtkMRMLModelNode
    colour: Annotated[str, Choice(CHOICES["colour"])] = BONE
    segmentation: vtkMRMLSegmentationNode
    segmentId: str
    alignment: Annotated[str, Choice(CHOICES["alignment"])] = "rigid"
    beamFollows: bool = False
    ct: vtkMRMLScalarVolumeNode
    ctLabels: vtkMRMLDisplayableNode
    second: vtkMRMLScalarVolumeNode


def parameterNode(node):
    """The ReVertParameterNode of a vtkMRMLScriptedModuleNode. The scene may be of another version: a choice that is
    none here is forgotten, for no widget could show it and the panel would not open."""
    for name, choices in CHOICES.items():
        if node.HasParameter(name) and node.GetParameter(name) not in choices:
            node.UnsetParameter(name)
    return ReVertParameterNode(node)
