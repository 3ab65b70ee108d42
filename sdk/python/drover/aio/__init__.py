"""The client for asyncio programs.

    client = await drover.aio.connect()
    client.ready()
"""

from __future__ import annotations

from .cache import Cache
from .client import Client, connect

__all__ = ["Cache", "Client", "connect"]
