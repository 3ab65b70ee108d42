"""What drover asks for when a worker uses much of its memory."""

from __future__ import annotations

import gc


def collect() -> None:
    """Collects garbage of all generations."""
    gc.collect()
