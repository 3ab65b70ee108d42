"""The socket to drover: where it is, and that one process alone uses it."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct
import weakref
from dataclasses import dataclass
from typing import Any, Optional

from .errors import DroverError
from .local import serve_in_thread

# What a child of this process must not find: it would take the channel for its own.
_VARIABLES = (
    "DROVER_IPC_FD",
    "DROVER_IPC_SOCKET",
    "DROVER_IPC_KEY",
    "NODE_CHANNEL_FD",
    "NODE_CHANNEL_SERIALIZATION_MODE",
)


@dataclass
class Channel:
    """A connected socket, and the key for the first frame where it was found by path."""

    socket: socket.socket
    key: Optional[str] = None


def open_channel() -> Channel:
    """Finds the channel as docs/ipc-protocol.md says; outside drover it leads to a cluster of one in this process."""
    found = _inherited() or _by_path()
    if found is None and "DROVER_WORKER_ID" in os.environ:
        raise DroverError(
            "closed",
            "the channel to drover is not here: another process of this worker has it, or this process has closed it",
        )
    if found is None:
        found = Channel(serve_in_thread())
    for name in _VARIABLES:
        os.environ.pop(name, None)
    found.socket.setblocking(False)
    _open.add(found.socket)
    return found


def _inherited() -> Optional[Channel]:
    try:
        number = int(os.environ["DROVER_IPC_FD"])
        if number < 0 or not _is_channel(number):
            return None
        copy = socket.socket(fileno=os.dup(number))  # dup closes the copy on exec
    except (KeyError, ValueError, OSError):
        return None
    # Before the lock: to close any descriptor of the socket would end it.
    _give_up(number)
    try:
        # Processes that fork share the descriptor. The lock belongs to one process and ends with it.
        fcntl.lockf(copy, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        copy.close()
        raise DroverError("closed", "another process of this worker has the channel to drover") from None
    return Channel(copy)


def _is_channel(number: int) -> bool:
    """Whether a descriptor is one end of a socket pair that another process made."""
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        return False
    end = socket.socket(fileno=number)
    try:
        if end.family != socket.AF_UNIX or end.type != socket.SOCK_STREAM or end.getsockname() or end.getpeername():
            return False
        # The number may have been given away: event loops wake themselves through pairs of their own.
        return _peer(end) != os.getpid()
    finally:
        end.detach()


def _peer(end: socket.socket) -> int:
    if not hasattr(socket, "SO_PEERCRED"):
        return -1
    credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


def _by_path() -> Optional[Channel]:
    path, key = os.environ.get("DROVER_IPC_SOCKET"), os.environ.get("DROVER_IPC_KEY")
    if not path or not key:
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError as error:
        connection.close()
        raise DroverError("closed", f"connect to drover at {path}: {error.strerror or error}") from None
    return Channel(connection, key)


def _give_up(number: int) -> None:
    """Makes a descriptor lead nowhere. It stays taken, so that nobody who still knows it closes another's."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        os.dup2(nowhere, number, inheritable=False)
    finally:
        os.close(nowhere)


# The sockets of this process, and what has to know that it was forked.
_open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
_watchers: weakref.WeakSet[Any] = weakref.WeakSet()

def watch_fork(client: Any) -> None:
    """Has ``client.forked()`` called in a child that this process forks."""
    _watchers.add(client)


def _after_fork() -> None:
    for client in list(_watchers):
        client.forked()
    for one in list(_open):
        # The parent's event loop may be shared with us by its descriptor: nothing is closed or unregistered here.
        if one.fileno() >= 0:
            _give_up(one.fileno())


os.register_at_fork(after_in_child=_after_fork)
