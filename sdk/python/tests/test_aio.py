"""The client for asyncio programs, against a drover that says what the test tells it to."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
import unittest
from typing import Any, List

from drover import DroverError, Message, Request, aio

from .cycle import cycle
from .fake import PATIENCE, FakeDrover


class AioTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.drover = FakeDrover()
        self.addCleanup(self.drover.close)
        greeter = self.drover.greet()
        self.client = await aio.connect()
        self.addAsyncCleanup(self.client.close)
        greeter.join()

    async def frame(self) -> Any:
        return json.loads(await asyncio.to_thread(self.drover.read))

    def message(self, seq: int, kind: str = "t", data: Any = None) -> None:
        self.drover.write({"drover": "message", "seq": seq, "from": "app-2.1", "type": kind, "data": data})

    def request(self, number: int, kind: str, data: Any = None) -> None:
        self.drover.write({"drover": "request", "id": number, "from": "app-2.1", "type": kind, "data": data})

    async def test_calls_wait_for_their_replies(self) -> None:
        asked = asyncio.ensure_future(self.client.request("price.get", 42, worker="app-2", timeout=2))
        self.assertEqual(
            await self.frame(),
            {"drover": "request", "id": 2, "worker": "app-2", "type": "price.get", "data": 42, "timeoutMs": 2000},
        )
        self.drover.write({"drover": "reply", "id": 2, "from": "app-2.1", "data": {"price": 3}})
        self.assertEqual(await asked, {"price": 3})
        sent = asyncio.ensure_future(self.client.broadcast_to_workers("t", pool="*"))
        self.assertEqual(await self.frame(), {"drover": "broadcast", "id": 3, "pool": "*", "type": "t", "data": None})
        self.drover.reply(3, {"received": 1, "sent": 0, "failed": []})
        self.assertEqual((await sent).received, 1)

    async def test_to_cancel_the_task_cancels_the_request(self) -> None:
        asked = asyncio.ensure_future(self.client.request("t", worker="app-2"))
        await self.frame()
        asked.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await asked
        self.assertEqual(await self.frame(), {"drover": "cancel", "id": 2})
        self.drover.write({"drover": "reply", "id": 2, "error": {"code": "cancelled", "message": ""}})
        self.client.ready()
        self.assertEqual(await self.frame(), {"drover": "ready"})

    async def test_a_cancel_reaches_the_handler(self) -> None:
        cancelled: List[bool] = []

        @self.client.on("slow")
        async def slow(request: Request) -> None:
            try:
                self.client.ready()
                await asyncio.sleep(PATIENCE)
            finally:
                cancelled.append(request.cancelled)

        self.request(4, "slow")
        await self.frame()
        self.drover.write({"drover": "cancel", "id": 4})
        self.drover.write({"drover": "ping", "id": 1})
        self.assertEqual((await self.frame())["drover"], "pong")  # and no response
        self.assertEqual(cancelled, [True])

    async def test_a_request_that_is_cancelled_before_its_handler_begins_leaves_nothing(self) -> None:
        called: List[Request] = []
        self.client.on("t", called.append)
        frames = [
            {"drover": "request", "id": 4, "from": "app-2.1", "type": "t", "data": None},
            {"drover": "cancel", "id": 4},
            {"drover": "ping", "id": 1},
        ]
        self.drover.write(b"\n".join(json.dumps(frame).encode() for frame in frames))
        self.assertEqual((await self.frame())["drover"], "pong")  # and no response
        self.assertEqual((called, self.client._requests, self.client._answers), ([], {}, {}))

    async def test_garbage_is_collected_when_drover_asks_for_it(self) -> None:
        node = cycle(self)
        self.drover.write({"drover": "gc", "cmd": "NODE_DROVER_GC"})
        self.drover.write({"drover": "ping", "id": 1})
        self.assertEqual((await self.frame())["drover"], "pong")  # what came before has been handled
        self.assertIsNone(node())

    async def test_a_message_is_acknowledged_when_its_coroutine_has_begun(self) -> None:
        begun: List[Any] = []
        go = asyncio.Event()

        @self.client.on("a.*")
        async def slow(message: Message) -> None:
            begun.append(message.data)
            await go.wait()

        @self.client.on("b")
        def plain(message: Message) -> None:
            begun.append(message.data)

        frames = [
            {"drover": "message", "seq": n, "from": "a-1.1", "type": kind, "data": n}
            for n, kind in ((1, "a.x"), (2, "b"), (3, "a.y"))
        ]
        self.drover.write(b"\n".join(json.dumps(frame).encode() for frame in frames))
        self.assertEqual(await self.frame(), {"drover": "ack", "seq": 3})
        self.assertEqual(sorted(begun), [1, 2, 3])
        go.set()

    async def test_handlers_that_fail(self) -> None:
        @self.client.on("plain")
        def plain(message: Message) -> None:
            raise ValueError("no")

        @self.client.on("coroutine")
        async def coroutine(message: Message) -> None:
            raise DroverError("sold-out", "none left")

        with self.assertLogs("drover", logging.ERROR) as logged:
            self.message(1, "plain")
            frame = await self.frame()
            self.assertEqual(frame["error"], {"code": "handler-error", "message": "ValueError: no"})
            self.message(2, "coroutine")
            self.assertEqual(await self.frame(), {"drover": "ack", "seq": 2})
            self.request(4, "plain")
            self.assertEqual((await self.frame())["error"]["code"], "handler-error")
        self.assertEqual(len(logged.records), 3)
        self.request(5, "coroutine")
        self.assertEqual((await self.frame())["error"], {"code": "sold-out", "message": "none left"})
        self.message(3, "other")
        self.assertEqual((await self.frame())["error"]["code"], "no-handler")
        self.request(6, "other")
        self.assertEqual((await self.frame())["error"]["code"], "no-handler")

    async def test_answers(self) -> None:
        self.client.on("plain", lambda request: request.data + 1)

        @self.client.on("coroutine")
        async def coroutine(request: Request) -> Any:
            await asyncio.sleep(0)
            return [request.sender, request.data]

        self.request(4, "plain", 1)
        self.assertEqual(await self.frame(), {"drover": "response", "id": 4, "data": 2})
        self.request(5, "coroutine", 1)
        self.assertEqual(await self.frame(), {"drover": "response", "id": 5, "data": ["app-2.1", 1]})

    async def test_topics_and_events(self) -> None:
        heard: asyncio.Queue[Any] = asyncio.Queue()
        asked = asyncio.ensure_future(self.client.subscribe("orders.*", lambda m: heard.put_nowait(m.data)))
        self.assertEqual(await self.frame(), {"drover": "subscribe", "id": 2, "topics": ["orders.*"]})
        self.drover.reply(2, {})
        await asked
        asked = asyncio.ensure_future(self.client.events("worker-*", heard.put))
        self.assertEqual(await self.frame(), {"drover": "subscribe", "id": 3, "events": ["worker-*"]})
        self.drover.reply(3, {})
        await asked
        self.drover.write({"drover": "message", "seq": 1, "from": "app-2.1", "topic": "orders.new", "data": 7})
        self.drover.write({"drover": "event", "time": "", "kind": "worker-ready", "subject": "app-3.1"})
        self.assertEqual(await heard.get(), 7)
        self.assertEqual((await heard.get()).subject, "app-3.1")
        self.assertEqual(await self.frame(), {"drover": "ack", "seq": 1})

    async def test_health_and_the_loops_delay(self) -> None:
        self.drover.write({"drover": "ping", "id": 1})
        pong = await self.frame()
        self.assertEqual((pong["id"], "checks" in pong), (1, False))
        self.client.health("db", lambda: {"open": 4})

        @self.client.health("disk")
        async def disk() -> bool:
            return False

        @self.client.health("hangs", timeout=0.05)
        async def hangs() -> None:
            await asyncio.sleep(PATIENCE)

        time.sleep(0.8)  # the loop is stuck
        self.drover.write({"drover": "ping", "id": 2})
        pong = await self.frame()
        outcomes = [(c["name"], c["ok"], c.get("details"), c.get("message")) for c in pong["checks"]]
        self.assertEqual(
            outcomes,
            [("db", True, {"open": 4}, None), ("disk", False, None, None), ("hangs", False, None, "no result within 0.05 s")],
        )
        self.assertGreater(pong["loopDelayMs"], 250)
        self.drover.write({"drover": "ping", "id": 3})
        later = await self.frame()
        while later["loopDelayMs"] >= pong["loopDelayMs"]:  # a busy machine
            self.drover.write({"drover": "ping", "id": 4})
            later = await self.frame()

    async def test_numbers_are_handed_in_when_they_have_changed(self) -> None:
        self.client.metrics.gauge("a").set(1.5)
        self.assertEqual((await self.frame())["metrics"], [
            {"name": "a", "type": "gauge", "samples": [{"labels": {}, "value": 1.5}]}])  # fmt: skip
        self.client.metrics.gauge("a").set(2)
        await self.client.close()
        self.assertEqual((await self.frame())["metrics"][0]["samples"][0]["value"], 2)
        self.assertEqual(await asyncio.to_thread(self.drover.read), b"")

    async def test_shutdown(self) -> None:
        told = asyncio.Event()

        @self.client.on_shutdown
        async def end() -> None:
            told.set()

        self.drover.write({"drover": "shutdown", "type": "shutdown", "graceSeconds": 30})
        await asyncio.wait_for(told.wait(), PATIENCE)
        self.assertEqual(self.client.grace_seconds, 30)

    async def test_sigterm_is_a_shutdown_too(self) -> None:
        before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.addCleanup(signal.signal, signal.SIGTERM, before)
        told = asyncio.Event()
        self.client.on_shutdown(told.set)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(told.wait(), PATIENCE)

    async def test_an_applications_own_handler_of_sigterm_stays(self) -> None:
        def own(*_: Any) -> None:
            pass

        before = signal.signal(signal.SIGTERM, own)
        self.addCleanup(signal.signal, signal.SIGTERM, before)
        self.client.on_shutdown(lambda: None)
        self.assertIs(signal.getsignal(signal.SIGTERM), own)

    async def test_everything_fails_when_the_channel_ends(self) -> None:
        asked = [
            asyncio.ensure_future(self.client.request("t", worker="app-2")),
            asyncio.ensure_future(self.client.cache.get("k")),
        ]
        await self.frame()
        self.drover.hang_up()
        for error in await asyncio.gather(*asked, return_exceptions=True):
            self.assertEqual(getattr(error, "code", None), "closed")
        self.assertRaises(DroverError, self.client.ready)

    async def test_cache_operations_issued_together_share_a_frame(self) -> None:
        asked = asyncio.gather(*[self.client.cache.get(str(n), n) for n in range(5)])
        frame = await self.frame()
        self.assertEqual(frame["ops"], [["get", "default", str(n)] for n in range(5)])
        self.drover.reply(frame["id"], [["a"], None, [None], [0, 5], [False]])
        self.assertEqual(await asked, ["a", 1, None, 0, False])

    async def test_the_operations_of_the_cache(self) -> None:
        users = self.client.cache.namespace("users")
        for call, op, result, expected in (
            (users.set("k", 1), ["set", "users", "k", 1], True, None),
            (users.set("k", 1, ttl=0), ["set", "users", "k", 1, {"ttlMs": 0}], True, None),
            (users.add("k", 1, tags=["t"]), ["add", "users", "k", 1, {"tags": ["t"]}], False, False),
            (users.delete("k"), ["delete", "users", "k"], True, True),
            (users.increment("k", 2.5), ["increment", "users", "k", 2.5], 3.5, 3.5),
            (users.get_many(["a", "b"]), ["getMany", "users", ["a", "b"]], [[1], None], {"a": 1}),
            (users.invalidate_tag("t"), ["invalidateTag", "users", "t"], 3, 3),
            (users.invalidate_prefix("p"), ["invalidatePrefix", "users", "p"], 4, 4),
            (users.stats(), ["stats"], {"hits": 1}, {"hits": 1}),
        ):
            asked = asyncio.ensure_future(call)
            frame = await self.frame()
            self.assertEqual(frame["ops"], [op])
            self.drover.reply(frame["id"], [result])
            self.assertEqual(await asked, expected)

    async def test_near_copies(self) -> None:
        near = self.client.cache.namespace("n", near=True)
        frame = await self.frame()
        self.assertEqual(frame["ops"], [["near", "n", True]])
        self.drover.reply(frame["id"], [True])
        asked = asyncio.ensure_future(near.get_many(["a", "b"]))
        frame = await self.frame()
        self.assertEqual(frame["ops"], [["getMany", "n", ["a", "b"]]])
        self.drover.reply(frame["id"], [[[1], None]])
        self.assertEqual(await asked, {"a": 1})
        self.assertEqual(await near.get("a"), 1)  # no frame
        asked = asyncio.ensure_future(near.get_many(["a", "b"]))
        frame = await self.frame()
        self.assertEqual(frame["ops"], [["getMany", "n", ["b"]]])
        self.drover.write({"drover": "drop", "namespace": "n", "keys": ["a"]})
        self.drover.reply(frame["id"], [[[2]]])
        self.assertEqual(await asked, {"a": 1, "b": 2})
        asked = asyncio.ensure_future(near.get_or_set("a", lambda: 9))
        frame = await self.frame()
        self.assertEqual(frame["ops"][0][0], "lease")
        self.drover.reply(frame["id"], [[7]])
        self.assertEqual((await asked, await near.get_or_set("a", lambda: 9)), (7, 7))

    async def test_a_cancelled_computation_gives_its_lease_back(self) -> None:
        async def compute() -> None:
            self.client.ready()
            await asyncio.sleep(PATIENCE)

        asked = asyncio.ensure_future(self.client.cache.get_or_set("k", compute))
        await self.frame()
        self.drover.reply(2, [{"lease": "17"}])
        await self.frame()
        asked.cancel()
        self.assertEqual((await self.frame())["ops"], [["release", "default", "k", "17"]])
        with self.assertRaises(asyncio.CancelledError):
            await asked


class FailingHelloTest(unittest.IsolatedAsyncioTestCase):
    async def test_is_raised(self) -> None:
        drover = FakeDrover()
        self.addCleanup(drover.close)
        greeter = drover.greet(error={"code": "version", "message": "1"})
        with self.assertRaises(DroverError) as caught:
            await aio.connect()
        self.assertEqual(caught.exception.code, "version")
        greeter.join()


if __name__ == "__main__":
    unittest.main()
