"""How the lumbar vertebrae of one person lie to each other and how alike they are: what the chain expects.

Measured on 46 discs of 15 people (VerSe, TotalSegmentator, Visible Human; verse008 is not among them) over which the
template is registered, between the middles of endplates (`landmarks.endplate_vertices`). Two slips of L4 by 8 and 10
mm are left out, which the robust loss of the chain is for. Measured heights are 7.5 mm, the literature's
(`synthesis.spine`, to the middle of the hollow endplate) 8 to 12: the mean lies between, and the spread takes in both.
The other spreads are up to half wider than measured, being of so few people. `python Testing/studies/chain_prior.py
SHAPES.npz` measures again and prints both.
"""

from __future__ import annotations

import numpy as np

from ReVertLib.geometry.levels import LEVELS

DISC_HEIGHT_MM, DISC_HEIGHT_SD_MM = 8.5, 2.2
"""Along the axis of the disc, from the middle of one endplate to that of the other."""
PLAUSIBLE_DISC_MM = (3.0, 16.0)
SLIP_MM, SLIP_SD_MM = np.array([0.6, 1.4]), np.array([1.2, 1.8])
"""(left, back) of the lower endplate above against the upper one below, across the axis of the disc."""
BEND_DEG = np.array([[-3.3, 0.5, 0.0], [-4.7, 0.5, 0.0], [-7.6, 0.5, 0.0], [-8.4, 0.5, 0.0]])
"""The rotation vector, in axes of the upper endplate below, of the lower endplate above, L1/L2 to L4/L5: to the left,
backward and up. Lordosis leans the upper one backward."""
BEND_SD_DEG = np.array([3.8, 2.0, 1.8])
SIZE = dict(zip(LEVELS, (0.018, 0.007, 0.014, 0.023, 0.033), strict=True))
"""Logarithm of the mean size of each level against the template's mean."""
PERSON_SIZE_SD, OWN_SIZE_SD = 0.052, 0.010
"""Of the logarithm of size: between people, and of one vertebra against its person."""
