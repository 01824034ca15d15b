"""`revert.fuse_films`: two films of one person, each made into its vertebrae before, to one set of them."""

from __future__ import annotations

import numpy as np

from ReVertLib.spine.records import FilmResult, FusedFilms
from ReVertLib.spine.two_films import films_fused
from ReVertLib.startup import matrices_alone

from .fuse import relative_pose


@matrices_alone()
def fuse_films(first: FilmResult, second: FilmResult, pose: str | np.ndarray | None = None) -> FusedFilms:
    """The lumbar vertebrae of one person from two films, in the first one's camera frame, mm.

    first, second: what `film` makes of each. pose: how the second camera lies to the first, as for `fuse`; "isocentre"
    where both films were made with sod_of="isocentre". None: found from all vertebrae together.

    The result's `result` is as `film`'s, with the vertebrae that both films show fused, and can be given to `measure`;
    `second_from_first` is the relative pose, `levels` holds for each level that both show what `fuse` says of it.

    Raises InputError for a pose that cannot be used, and for films that have no level in common.
    """
    return films_fused(first, second, relative_pose(pose, first.geometry, second.geometry))
