"""The channel of a program with threads."""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from typing import Any, Callable

from ..channel import open_channel, watch_fork
from ..core.application import Application
from ..core.ending import Ending
from ..core.session import Incoming, Session
from ..errors import DroverError
from .waiter import Waiter

log = logging.getLogger("drover")

_HELLO_SECONDS = 30.0
_METRICS_SECONDS = 1.0
_CLOSE_SECONDS = 1.0


class Link(Application):
    """Reads in a thread of its own, and writes in the threads that have something to say."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(Session(time.monotonic), ending)
        channel = open_channel()
        self._key = channel.key
        self._socket = channel.socket
        self._lock = threading.Lock()  # of the session
        self._writing = threading.Lock()  # of the socket and what it did not take yet
        self._unsent = b""
        self._acks_wait = False
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._io = threading.Thread(target=self._run, name="drover-io", daemon=True)
        watch_fork(self)

    def _dispatch(self, item: Incoming) -> None:
        """Has something handled that came. It must not wait."""
        raise NotImplementedError

    def _stop(self) -> None:
        """Ends the handling, once the channel is closed."""
        raise NotImplementedError

    def _open(self) -> None:
        self._io.start()
        waiter = Waiter()
        try:
            self._do(self._session.hello, self._key, waiter)
            waiter.result(_HELLO_SECONDS)
        except DroverError as error:
            self._end(error)
            raise

    # The way to the session.

    def _call(self, ask: Callable[..., Any], *args: Any) -> Any:
        waiter = Waiter()
        self._do(ask, *args, waiter)
        return waiter.result()

    def _do(self, ask: Callable[..., Any], *args: Any) -> Any:
        self._check()
        with self._lock:
            made = ask(*args)
        self._flush()
        return made

    def _flush(self) -> None:
        """Writes what the session has. While one thread writes, what others ask for goes into one frame."""
        with self._writing:
            self._acks_wait = False
            with self._lock:
                self._unsent += self._session.take()
            if not self._unsent or self._closed is not None:
                return
            try:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            except BlockingIOError:
                pass
            except OSError:
                return  # the reader finds out, too
            full = bool(self._unsent)
        if full and threading.current_thread() is not self._io:
            self._rouse()  # it will write the rest

    def _rouse(self) -> None:
        try:
            self._wake.send(b"w")
        except OSError:
            pass  # it is awake, or gone

    # The thread that reads.

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._socket, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                self._serve(selector)
        except (OSError, ValueError) as error:
            self._end(DroverError("closed", f"the channel to drover broke: {error}"))
        finally:
            self._wake.close()
            self._woken.close()

    def _serve(self, selector: selectors.BaseSelector) -> None:
        next_push = time.monotonic() + _METRICS_SECONDS
        watched = selectors.EVENT_READ
        while self._closed is None:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
            if wanted != watched:
                watched = wanted
                selector.modify(self._socket, watched)
            for key, ready in selector.select(max(0.0, next_push - time.monotonic())):
                if key.fileobj is self._woken:
                    self._woken.recv(4096)
                elif ready & selectors.EVENT_READ and not self._read():
                    return
            if time.monotonic() >= next_push:
                self._push_metrics()
                next_push = time.monotonic() + _METRICS_SECONDS
            self._flush()

    def _read(self) -> bool:
        try:
            data = self._socket.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return True
        if not data:
            self._end(DroverError("closed", "drover has closed the channel"))
            return False
        with self._lock:
            incoming = self._session.feed(data)
        for item in incoming:
            self._dispatch(item)
        return True

    def _push_metrics(self) -> None:
        changes = self.metrics.changes()
        if changes is not None:
            try:
                with self._lock:
                    self._session.metrics(changes)
            except DroverError as error:
                log.error("numbers are not handed in: %s", error)
            self._flush()

    def _end(self, error: DroverError) -> None:
        with self._writing:
            if self._closed is not None:
                return
            self._closed = error
            if self._unsent:
                try:
                    self._socket.settimeout(_CLOSE_SECONDS)
                    self._socket.sendall(self._unsent)
                except OSError:
                    pass  # it is gone, or does not read: nobody is there to be told
            self._socket.close()
        with self._lock:
            self._session.close(error)
        self._stop()
        self._rouse()
