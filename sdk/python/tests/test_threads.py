"""The client for programs with threads, against a drover that says what the test tells it to."""

from __future__ import annotations

import gc
import logging
import threading
import time
import unittest
import weakref
from typing import Any, Callable, List

from drover import Client, DroverError, Message, Request

from .fake import PATIENCE, FakeDrover, Garbage


def in_thread(call: Callable[[], Any]) -> Callable[[], Any]:
    """Begins a call; what it returns waits for the call's end."""
    outcome: List[Any] = []

    def run() -> None:
        try:
            outcome.append((None, call()))
        except Exception as error:
            outcome.append((error, None))

    thread = threading.Thread(target=run)
    thread.start()

    def wait() -> Any:
        thread.join(PATIENCE)
        ((error, data),) = outcome
        if error is not None:
            raise error
        return data

    return wait


class ThreadsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.drover = FakeDrover()
        self.addCleanup(self.drover.close)
        greeter = self.drover.greet()
        self.client = Client()
        self.addCleanup(self.client.close)
        greeter.join()

    def message(self, seq: int, kind: str = "t", data: Any = None) -> None:
        self.drover.write({"drover": "message", "seq": seq, "from": "app-2.1", "type": kind, "data": data})

    def request(self, number: int, kind: str, data: Any = None) -> None:
        self.drover.write({"drover": "request", "id": number, "from": "app-2.1", "type": kind, "data": data})

    def until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)

    def test_calls_wait_for_their_replies(self) -> None:
        wait = in_thread(lambda: self.client.request("price.get", 42, worker="app-2", timeout=2))
        asked = self.drover.frame()
        self.assertEqual(
            asked,
            {"drover": "request", "id": 2, "worker": "app-2", "type": "price.get", "data": 42, "timeoutMs": 2000},
        )
        self.drover.write({"drover": "reply", "id": 2, "from": "app-2.1", "data": {"price": 3}})
        self.assertEqual(wait(), {"price": 3})
        wait = in_thread(lambda: self.client.send_to_random_worker("t", pool="jobs", pick="least-busy"))
        self.assertEqual(self.drover.frame()["pick"], "least-busy")
        self.drover.write({"drover": "reply", "id": 3, "error": {"code": "no-target", "message": "nobody"}})
        with self.assertRaises(DroverError) as caught:
            wait()
        self.assertEqual(str(caught.exception), "no-target: nobody")
        for wrong in (lambda: self.client.request("t", worker="a-1", pool="b"), lambda: self.client.send_to_random("t", pick="x")):
            self.assertRaises(DroverError, wrong)

    def test_messages_are_handled_in_order_and_acknowledged(self) -> None:
        handled: List[Any] = []
        self.client.on("t", lambda message: handled.append((message.data, message.sender)))
        for seq in range(1, 200):
            self.message(seq, data=seq)
        seq = 0
        while seq < 199:
            frame = self.drover.frame()
            self.assertEqual(frame["drover"], "ack")
            self.assertGreater(frame["seq"], seq)
            seq = frame["seq"]
            self.assertGreaterEqual(len(handled), seq)  # in the handlers' hands before it is said
        self.assertEqual(handled, [(n, "app-2.1") for n in range(1, 200)])

    def test_an_ack_does_not_wait_for_the_handler_of_the_next(self) -> None:
        go = threading.Event()
        self.addCleanup(go.set)
        self.client.on("slow", lambda message: go.wait(PATIENCE) and None)
        self.client.on("t", lambda message: None)
        self.drover.write(
            b'{"drover":"message","seq":1,"from":"a-1.1","type":"t","data":1}\n'
            b'{"drover":"message","seq":2,"from":"a-1.1","type":"slow","data":1}'
        )
        self.assertEqual(self.drover.frame(), {"drover": "ack", "seq": 1})
        go.set()
        self.assertEqual(self.drover.frame(), {"drover": "ack", "seq": 2})

    def test_what_nobody_handles_is_refused(self) -> None:
        self.message(1, "other")
        self.assertEqual(self.drover.frame()["error"]["code"], "no-handler")
        self.request(4, "other")
        answer = self.drover.frame()
        self.assertEqual((answer["id"], answer["error"]["code"]), (4, "no-handler"))

    def test_a_handler_that_fails_is_told_of(self) -> None:
        @self.client.on("bad.*")
        def bad(message: Message) -> None:
            raise ValueError("no")

        with self.assertLogs("drover", logging.ERROR):
            self.message(1, "bad.one")
            expected = {"code": "handler-error", "message": "ValueError: no"}
            self.assertEqual(self.drover.frame(), {"drover": "nack", "seq": 1, "error": expected})
            self.request(4, "bad.two")
            self.assertEqual(self.drover.frame()["error"], expected)

    def test_requests_are_handled_beside_one_another(self) -> None:
        both = threading.Barrier(2, timeout=PATIENCE)

        @self.client.on("meet")
        def meet(request: Request) -> Any:
            both.wait()
            return request.data

        self.request(4, "meet", "a"), self.request(5, "meet", "b")
        answers = [self.drover.frame() for _ in range(2)]
        self.assertEqual({a["id"]: a["data"] for a in answers}, {4: "a", 5: "b"})

    def test_a_handler_may_ask_in_turn(self) -> None:
        self.client.on("t", lambda message: self.client.request("more", worker="app-2"))
        self.message(1)
        self.assertEqual(self.drover.frame()["type"], "more")
        self.drover.write({"drover": "reply", "id": 2, "from": "app-2.1", "data": 1})
        self.assertEqual(self.drover.frame(), {"drover": "ack", "seq": 1})

    def test_a_cancelled_request_is_not_answered(self) -> None:
        begun, ended = threading.Event(), threading.Event()

        @self.client.on("slow")
        def slow(request: Request) -> None:
            begun.set()
            while not request.cancelled:
                time.sleep(0.001)
            ended.set()

        self.request(4, "slow")
        self.assertTrue(begun.wait(PATIENCE))
        self.drover.write({"drover": "cancel", "id": 4})
        self.assertTrue(ended.wait(PATIENCE))
        self.client.ready()
        self.assertEqual(self.drover.frame(), {"drover": "ready"})

    def test_too_many_messages_are_refused_in_their_turn(self) -> None:
        go = threading.Event()
        self.addCleanup(go.set)
        handled: List[int] = []

        @self.client.on("t")
        def slow(message: Message) -> None:
            go.wait(PATIENCE)
            handled.append(message.data)

        for seq in range(1, 1003):
            self.message(seq, data=seq)
        self.drover.write({"drover": "ping", "id": 1})
        self.assertEqual(self.drover.frame()["drover"], "pong")  # all before were read
        go.set()
        refused: List[int] = []
        seq = 0
        while seq < 1002:
            frame = self.drover.frame()
            seq = frame["seq"]
            if frame["drover"] == "nack":
                self.assertEqual(frame["error"]["code"], "queue-full")
                refused.append(seq)
        self.assertEqual((handled, refused), (list(range(1, 1001)), [1001, 1002]))

    def test_topics_and_events(self) -> None:
        heard: List[Any] = []
        done = threading.Event()
        wait = in_thread(lambda: self.client.subscribe("orders.*", lambda m: heard.append((m.type, m.data))))
        self.assertEqual(self.drover.frame(), {"drover": "subscribe", "id": 2, "topics": ["orders.*"]})
        self.drover.reply(2, {}), wait()
        wait = in_thread(lambda: self.client.events("worker-*", lambda e: (heard.append(e.subject), done.set())))
        self.assertEqual(self.drover.frame(), {"drover": "subscribe", "id": 3, "events": ["worker-*"]})
        self.drover.reply(3, {}), wait()
        self.drover.write({"drover": "message", "seq": 1, "from": "app-2.1", "topic": "orders.new", "data": 7})
        self.assertEqual(self.drover.frame(), {"drover": "ack", "seq": 1})
        self.drover.write({"drover": "event", "time": "", "kind": "worker-ready", "subject": "app-3.1"})
        self.assertTrue(done.wait(PATIENCE))
        self.assertEqual(heard, [("orders.new", 7), "app-3.1"])
        wait = in_thread(lambda: self.client.unsubscribe("orders.*"))
        self.assertEqual(self.drover.frame(), {"drover": "unsubscribe", "id": 4, "topics": ["orders.*"]})
        self.drover.reply(4, {}), wait()
        self.drover.write({"drover": "message", "seq": 2, "from": "app-2.1", "topic": "orders.new", "data": 8})
        self.assertEqual(self.drover.frame()["error"]["code"], "no-handler")

    def test_a_subscription_that_drover_refuses_leaves_no_handler(self) -> None:
        wait = in_thread(lambda: self.client.subscribe("a", lambda m: None))
        self.drover.read()
        self.drover.write({"drover": "reply", "id": 2, "error": {"code": "too-many-subscriptions", "message": ""}})
        self.assertRaises(DroverError, wait)
        self.drover.write({"drover": "message", "seq": 1, "from": "app-2.1", "topic": "a", "data": 8})
        self.assertEqual(self.drover.frame()["error"]["code"], "no-handler")

    def test_health(self) -> None:
        self.drover.write({"drover": "ping", "id": 1})
        self.assertEqual(self.drover.frame(), {"drover": "pong", "id": 1})
        self.client.health("db", lambda: {"open": 4})
        self.client.health("disk", lambda: 1 / 0)
        go = threading.Event()
        self.addCleanup(go.set)
        self.client.health("hangs", lambda: go.wait(PATIENCE), timeout=0.05)
        for message in ("no result within 0.05 s", "its last run has not returned yet"):
            self.drover.write({"drover": "ping", "id": 2})
            db, disk, hangs = self.drover.frame()["checks"]
            self.assertEqual((db["ok"], db["details"]), (True, {"open": 4}))
            self.assertEqual((disk["ok"], disk["message"]), (False, "division by zero"))
            self.assertEqual((hangs["ok"], hangs["message"]), (False, message))

    def test_numbers_are_handed_in_when_they_have_changed(self) -> None:
        self.client.metrics.counter("a_total").inc()
        self.assertEqual(self.drover.frame()["metrics"][0]["samples"], [{"labels": {}, "value": 1}])
        self.client.metrics.counter("a_total").inc()
        self.client.close()
        self.assertEqual(self.drover.frame()["metrics"][0]["samples"], [{"labels": {}, "value": 2}])
        self.assertEqual(self.drover.read(), b"")

    def test_garbage_is_collected_when_drover_asks(self) -> None:
        gone = threading.Event()
        gc.disable()  # no other collection than the one that is asked for
        self.addCleanup(gc.enable)
        weakref.finalize(Garbage(), gone.set)
        self.drover.write({"drover": "gc"})
        self.assertTrue(gone.wait(10))

    def test_shutdown_is_told_once(self) -> None:
        told: List[Any] = []
        done = threading.Event()
        self.client.on_shutdown(lambda: told.append(self.client.grace_seconds))
        self.drover.write({"drover": "shutdown", "type": "shutdown", "graceSeconds": 30})
        self.drover.write({"drover": "shutdown", "type": "shutdown", "graceSeconds": 30})
        self.drover.write({"drover": "ping", "id": 1})
        self.drover.read()
        self.client.on_shutdown(done.set)  # at once: the end has begun
        self.assertTrue(done.wait(PATIENCE))
        self.assertEqual(told, [30])

    def test_takes_functions_only(self) -> None:
        async def coroutine(*_: Any) -> None:
            pass

        client = self.client
        for register in (client.on, client.subscribe, client.events, client.health):
            self.assertRaises(TypeError, register, "a", coroutine)
            self.assertRaises(TypeError, register, "a", 7)
        self.assertRaises(TypeError, client.on_shutdown, coroutine)

    def test_everything_fails_when_the_channel_ends(self) -> None:
        waits = [in_thread(lambda: self.client.request("t", worker="app-2")), in_thread(lambda: self.client.cache.get("k"))]
        self.drover.read(), self.drover.read()
        self.drover.hang_up()
        for wait in waits:
            with self.assertRaises(DroverError) as caught:
                wait()
            self.assertEqual(caught.exception.code, "closed")
        self.assertRaises(DroverError, self.client.ready)
        self.client.close()

    def test_cache_operations_of_many_threads_share_frames(self) -> None:
        # While one thread writes, the others' operations gather.
        with self.client._writing:
            waits = [in_thread(lambda n=n: self.client.cache.get(str(n))) for n in range(10)]
            self.until(lambda: len(self.client._session.cache._batch.ops) == 10)
        frame = self.drover.frame()
        self.assertEqual(sorted(frame["ops"]), [["get", "default", str(n)] for n in range(10)])
        self.drover.reply(frame["id"], [[op[2]] for op in frame["ops"]])
        self.assertEqual([wait() for wait in waits], [str(n) for n in range(10)])

    def test_get_or_set_computes_with_a_lease(self) -> None:
        wait = in_thread(lambda: self.client.cache.get_or_set("k", lambda: 42, ttl=1, tags=["t"]))
        self.assertEqual(self.drover.frame()["ops"], [["lease", "default", "k", {"leaseMs": 30000, "waitMs": 5000}]])
        self.drover.reply(2, [{"lease": "17"}])
        self.assertEqual(self.drover.frame()["ops"], [["set", "default", "k", 42, {"ttlMs": 1000, "tags": ["t"], "lease": "17"}]])
        self.drover.reply(3, [{"error": {"code": "lease-lost", "message": ""}}])
        self.assertEqual(wait(), 42)
        wait = in_thread(lambda: self.client.cache.get_or_set("k", lambda: 1 / 0))
        self.drover.read()
        self.drover.reply(4, [{"lease": "18"}])
        self.assertEqual(self.drover.frame()["ops"], [["release", "default", "k", "18"]])
        self.assertRaises(ZeroDivisionError, wait)
        wait = in_thread(lambda: self.client.cache.get_or_set("k", lambda: 1 / 0))
        self.drover.read()
        self.drover.reply(6, [[43, 10]])
        self.assertEqual(wait(), 43)

    def test_what_the_socket_does_not_take_at_once_is_written_later(self) -> None:
        data = "x" * 1000000
        waits = [in_thread(lambda: self.client.publish("t", data)) for _ in range(5)]
        self.until(lambda: self.client._unsent)  # nothing is read meanwhile: the socket is full
        for _ in waits:
            frame = self.drover.frame()
            self.assertEqual(frame["data"], data)
            self.drover.reply(frame["id"], {"received": 0, "sent": 0, "failed": []})
        for wait in waits:
            self.assertEqual(wait().received, 0)


if __name__ == "__main__":
    unittest.main()
