"""What drover asks for near a worker's memory limit."""

from __future__ import annotations

import gc


def collect() -> None:
    """Frees what is not reachable any more."""
    gc.collect()
