"""Lets go of the threads that torch keeps for whoever computed last.

libgomp, under torch on Linux, keeps a team of threads for every thread that ever ran a large
operation. As soon as all teams together are more than the cores, whoever computes waits for its
own team by going to sleep instead of spinning, and a pass of a few tokens takes half as long
again. A notebook has two threads that compute: the one of the cells and the worker of a board.
Each lets its team go when it is done, and gets a new one (some 100 µs) when it needs it.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

#: ``omp_pause_soft`` (OpenMP 5.0, section 3.2.44): what the next operation needs comes back.
_SOFT = 1


def release_team() -> bool:
    """Ends the threads that computed for the calling thread; False where torch has no libgomp."""
    if "torch" not in sys.modules:
        return False
    pause = _pause()
    return pause is not None and pause(_SOFT) == 0


@cache
def _pause() -> Callable[[int], int] | None:
    import torch

    libraries = Path(torch.__file__).parent / "lib"
    for library in sorted(libraries.glob("libgomp*.so*")):
        try:
            # loaded already: its path gives torch's own copy
            return ctypes.CDLL(str(library)).omp_pause_resource_all
        except (OSError, AttributeError):
            continue
    return None
