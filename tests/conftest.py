"""Settings that every test runs under."""

from __future__ import annotations

import os

# No test may wait for, or depend on, a model hub.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# A count of one keeps parallel work on a shared machine from slowing every small tensor down.
os.environ.setdefault("OMP_NUM_THREADS", "1")
