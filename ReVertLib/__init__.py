"""ReVert: one radiograph of a lumbar vertebra in, its surface in mm out.

radiograph -> crop -> network -> mesh in mm -> metrics. Each step is the file of that name. This package never
imports slicer, qt or ctk; `ReVert/ReVert.py` is the only file that knows Slicer.
"""

__version__ = "0.1.0"
