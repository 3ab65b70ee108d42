"""A cluster of one in this process, for programs that run without drover, such as an application's tests."""

from __future__ import annotations

import socket
import threading
import time

from .hub import LocalHub


def serve_in_thread() -> socket.socket:
    """Starts a cluster of one; returns the worker's end of its channel."""
    mine, theirs = socket.socketpair()
    threading.Thread(target=_serve, args=(mine,), name="drover-local", daemon=True).start()
    return theirs


def _serve(end: socket.socket) -> None:
    hub = LocalHub(time.monotonic)
    with end:
        while True:
            end.settimeout(hub.wait())
            try:
                data = end.recv(1 << 16)
            except socket.timeout:
                data = None
            except OSError:
                return
            if data == b"":
                return
            hub.feed(data or b"")
            answer = hub.take()
            if answer:
                end.settimeout(None)
                try:
                    end.sendall(answer)
                except OSError:
                    return
