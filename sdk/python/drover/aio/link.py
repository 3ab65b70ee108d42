"""The channel of an asyncio program."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Awaitable, Callable, Optional

from ..channel import open_channel, watch_fork
from ..core.application import Application
from ..core.ending import Ending
from ..core.session import Incoming, Session
from ..errors import DroverError
from .delay import LoopDelay

log = logging.getLogger("drover")

_HELLO_SECONDS = 30.0
_METRICS_SECONDS = 1.0
_CLOSE_SECONDS = 1.0


class Link(Application, asyncio.Protocol):
    """Reads and writes in the event loop that it was made in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        super().__init__(Session(time.monotonic), Ending(self._loop.call_soon_threadsafe))
        channel = open_channel()
        self._key = channel.key
        self._socket = channel.socket
        self._transport: Optional[asyncio.Transport] = None
        self._lost = self._loop.create_future()
        self._flushing = False
        self._delay = LoopDelay(self._loop)
        self._ticking: Optional[asyncio.TimerHandle] = None

    def _dispatch(self, item: Incoming) -> None:
        """Has something handled that came."""
        raise NotImplementedError

    async def _open(self) -> None:
        await self._loop.create_unix_connection(lambda: self, sock=self._socket)
        watch_fork(self)
        try:
            await asyncio.wait_for(self._call(self._session.hello, self._key), _HELLO_SECONDS)
        except asyncio.TimeoutError:
            await self.close()
            raise DroverError("timeout", f"drover has not answered within {_HELLO_SECONDS:g} s") from None
        except BaseException:
            await self.close()
            raise
        self._tick()

    async def close(self) -> None:
        """Hands in the last numbers and closes the channel."""
        if self._closed is None:
            self._push_metrics()
            self._flush()
        transport = self._transport
        self._end(DroverError("closed", "the channel to drover is closed"))
        if transport is not None:
            transport.close()
            await asyncio.wait({self._lost}, timeout=_CLOSE_SECONDS)
            transport.abort()

    # The way to the session.

    def _call(self, ask: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        future = self._loop.create_future()
        self._do(ask, *args, settle(future))
        return future

    def _do(self, ask: Callable[..., Any], *args: Any) -> Any:
        self._check()
        made = ask(*args)
        self._flush_soon()
        return made

    def _flush_soon(self) -> None:
        """Writes at the end of this turn of the loop: what is asked for in one turn leaves together."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._closed is None and self._transport is not None:
            data = self._session.take()
            if data:
                self._transport.write(data)

    def _tick(self) -> None:
        self._push_metrics()
        self._ticking = self._loop.call_later(_METRICS_SECONDS, self._tick)

    def _push_metrics(self) -> None:
        changes = self.metrics.changes()
        if changes is not None:
            try:
                self._do(self._session.metrics, changes)
            except DroverError as error:
                log.error("numbers are not handed in: %s", error)

    def _end(self, error: DroverError) -> None:
        if self._closed is None:
            self._closed = error
            self._session.close(error)
            self._delay.stop()
            if self._ticking is not None:
                self._ticking.cancel()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Optional[Exception]) -> None:
        """Part of asyncio.Protocol."""
        reason = f"the channel to drover broke: {error}" if error else "drover has closed the channel"
        self._end(DroverError("closed", reason))
        if not self._lost.done():
            self._lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        for item in self._session.feed(data):
            self._dispatch(item)
        self._flush_soon()


def settle(future: asyncio.Future[Any]) -> Callable[[Optional[DroverError], Any], None]:
    """Gives a future what a question brings."""

    def done(error: Optional[DroverError], data: Any) -> None:
        if future.done():
            return  # cancelled: nobody waits
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(data)

    return done
