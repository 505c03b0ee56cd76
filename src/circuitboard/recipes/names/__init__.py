"""The bundled model ``names``: its corpus, its training recipe and its checks.

Importing this package imports neither torch nor transformers; :mod:`.train`, :mod:`.check` and
:mod:`.ship` do.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "bundled" / "names"
"""The folder of the shipped model."""
