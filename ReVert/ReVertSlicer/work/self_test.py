"""The module's self test: what a user does, from loading to comparison, on the case that comes with the extension.

Where PyTorch is not installed the mean vertebra answers in place of the network; everything else is as in use.
"""

import logging

import numpy as np
import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from ReVertLib.errors import InputError
from ReVertSlicer.scene import comparison_nodes

from . import packages
from .mean_vertebra import MeanVertebra


class SelfTest(ScriptedLoadableModuleTest):
    """makeLogic: the module's logic class, given by the module's file."""

    makeLogic = None

    def setUp(self):
        slicer.mrmlScene.Clear(0)
        self.logic = self.makeLogic(None if not packages.missing() else MeanVertebra())
        loaded = self.logic.loadSampleData()
        self.radiograph, self.segmentation = loaded.radiograph, loaded.segmentation

    def tearDown(self):
        slicer.mrmlScene.Clear(0)

    def runTest(self):
        """Slicer's Reload and Test: every test in turn."""
        for name in sorted(name for name in dir(self) if name.startswith("test_")):
            logging.info("ReVert self test: %s", name)
            self.setUp()
            getattr(self, name)()
            self.tearDown()

    def test_sample_is_known_to_its_geometry(self):
        check = self.logic.checkRadiograph(self.radiograph)
        self.assertEqual((check.problems, check.missing), ((), {}))
        self.assertLess(check.known["sod_mm"].value, check.known["sdd_mm"].value)

    def test_from_loading_to_comparison(self):
        model = self.logic.reconstruct(self.radiograph, level="L3")
        self.assertEqual(model.GetAttribute("ReVert.Level"), "L3")
        self.assertGreater(model.GetPolyData().GetNumberOfCells(), 1000)
        self.assertIs(self.logic.reconstruct(self.radiograph, level="L3"), model)
        segmentId = comparison_nodes.suggestedSegment(self.segmentation, "L3")
        table = self.logic.compare(model, self.segmentation, segmentId).GetTable()
        figures = {table.GetValue(row, 0).ToString(): table.GetValue(row, 1).ToDouble() for row in range(4)}
        self.assertGreater(figures["dice"], 0.85)
        self.assertIsNotNone(model.GetPolyData().GetPointData().GetArray("signed_distance_mm"))
        self.logic.removeAlignment(model)
        self.assertIsNone(model.GetParentTransformNode())

    def test_vertebrae_are_placed_and_found_again(self):
        (vertebra,) = self.logic.vertebrae(self.radiograph)
        self.assertEqual(vertebra.level, "L3")
        with self.assertRaisesRegex(InputError, "L3: expected one box or point"):
            self.logic.addVertebra(self.radiograph, "L3", point=(100, 100))
        self.assertEqual(len(self.logic.reconstructAll(self.radiograph)), 1)

    def test_unknown_spacing_is_refused(self):
        image = np.zeros((1, 64, 64))
        image[:, 16:48, 16:48] = 1
        node = slicer.util.addVolumeFromArray(image)
        with self.assertRaisesRegex(InputError, "pixel_spacing_mm"):
            self.logic.reconstruct(node, geometry={"sdd_mm": 1020, "sod_mm": 700})

    def test_live_follows_the_image(self):
        follower = self.logic.follow(self.radiograph)
        slicer.util.updateVolumeFromArray(self.radiograph, slicer.util.arrayFromVolume(self.radiograph).copy())
        follower.stop()
        self.assertEqual(follower.framesDone, 2)
