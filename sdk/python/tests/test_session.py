"""The frames of docs/ipc-protocol.md, byte for byte."""

from __future__ import annotations

import json
import unittest
from typing import Any, List, Tuple

from drover import DroverError
from drover.core import health, operations
from drover.core.metrics import Metrics
from drover.core.session import Session
from drover.core.wire import Lines, array
from drover.messages import Arrival, Cancel, Collect, Delivery, Event, Failure, Ping, Request, Result, Shutdown, Worker

from .fake import documented, welcome


class Done:
    """Remembers how things ended."""

    def __init__(self) -> None:
        self.calls: List[Tuple[Any, Any]] = []

    def __call__(self, error: Any, data: Any) -> None:
        self.calls.append((error, data))

    @property
    def data(self) -> Any:
        ((error, data),) = self.calls
        if error is not None:
            raise error
        return data

    @property
    def code(self) -> str:
        ((error, _),) = self.calls
        return str(error.code)


class SessionTest(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 1000.0
        self.session = Session(lambda: self.now)
        self.greet()

    def greet(self, **more: Any) -> None:
        self.session.hello(None, Done())
        self.session.take()
        self.feed({"drover": "reply", "id": 1, "data": welcome(**more)})

    def feed(self, *frames: Any) -> Any:
        lines = [f if isinstance(f, bytes) else json.dumps(f).encode() for f in frames]
        return self.session.feed(b"\n".join(lines) + b"\n")

    def next_id(self, number: int) -> None:
        self.session._pending._last = number - 1

    def writes(self, line: bytes) -> None:
        """The session writes this line, and the protocol's page has it."""
        self.assertEqual(self.session.take(), line + b"\n")
        self.assertIn(line, documented())

    def code(self, call: Any, *args: Any) -> str:
        with self.assertRaises(DroverError) as caught:
            call(*args)
        self.assertEqual(self.session.take(), b"")
        return caught.exception.code


class HelloTest(SessionTest):
    def test_is_the_first_frame(self) -> None:
        session = Session(lambda: 0.0)
        done = Done()
        session.hello(None, done)
        line = b'{"drover":"hello","id":1,"version":1,"client":"python/1.0.0","acks":true}'
        self.assertEqual(session.take(), line + b"\n")
        self.assertIn(line.replace(b"python", b"node"), documented())
        reply = next(f for f in documented() if b'"maxMessageBytes"' in f)
        session.feed(reply + b"\n")
        self.assertEqual(done.data, Worker("app-1.1", "app", 1, 1))
        self.assertEqual(session.worker, Worker("app-1.1", "app", 1, 1))
        self.assertEqual((session.limits.max_message_bytes, session.limits.max_depth), (1048576, 64))
        self.assertEqual((session.limits.cache, session.limits.encryption), (True, False))

    def test_has_the_key_over_the_socket_path(self) -> None:
        session = Session(lambda: 0.0)
        session.hello("k", Done())
        self.assertEqual(json.loads(session.take())["key"], "k")

    def test_tells_of_another_version(self) -> None:
        session = Session(lambda: 0.0)
        done = Done()
        session.hello(None, done)
        session.feed(b'{"drover":"reply","id":1,"error":{"code":"version","message":"1 to 2"}}\n')
        self.assertEqual(done.code, "version")


class MessagesTest(SessionTest):
    def test_writes_what_is_sent(self) -> None:
        self.next_id(5)
        self.session.send({"worker": "app-2"}, "price.changed", {"sku": 42}, Done())
        self.writes(b'{"drover":"send","id":5,"worker":"app-2","type":"price.changed","data":{"sku":42}}')
        self.session.send({"pool": "jobs", "pick": "least-busy"}, "task.run", [1, 2], Done())
        self.writes(b'{"drover":"send","id":6,"pool":"jobs","pick":"least-busy","type":"task.run","data":[1,2]}')
        self.session.broadcast(None, "price.changed", {"sku": 42}, Done())
        self.writes(b'{"drover":"broadcast","id":7,"type":"price.changed","data":{"sku":42}}')
        self.session.broadcast("*", "price.changed", {"sku": 42}, Done())
        self.writes(b'{"drover":"broadcast","id":8,"pool":"*","type":"price.changed","data":{"sku":42}}')
        self.session.publish("orders.new", {"order": 7}, Done())
        self.writes(b'{"drover":"publish","id":9,"topic":"orders.new","data":{"order":7}}')

    def test_reads_the_replies(self) -> None:
        sent, spread, refused = Done(), Done(), Done()
        self.next_id(5)
        self.session.send({"worker": "app-2"}, "a", None, sent)
        self.next_id(7)
        self.session.broadcast(None, "a", None, spread)
        for line in documented():
            if line.startswith((b'{"drover":"reply","id":5,"data"', b'{"drover":"reply","id":7,')):
                self.feed(line)
        self.assertEqual(sent.data, Delivery("app-2.1", True))
        self.assertEqual(spread.data, Result(2, 1, [Failure("app-4.1", "queue-full", "…")]))
        self.next_id(5)
        self.session.send({"worker": "app-9"}, "a", None, refused)
        self.feed(next(f for f in documented() if b'"id":5,"error"' in f))
        self.assertEqual(refused.code, "no-target")

    def test_takes_and_acknowledges_once_for_all(self) -> None:
        arrived = self.feed(*[f for f in documented() if f.startswith(b'{"drover":"message"')])
        self.assertEqual([type(a) for a in arrived], [Arrival, Arrival])
        one, two = (a.message for a in arrived)
        self.assertEqual((one.type, one.data, one.sender, one.is_topic), ("price.changed", {"sku": 42}, "app-1.1", False))
        self.assertEqual((two.type, two.data, two.is_topic), ("orders.new", {"order": 7}, True))
        for arrival in arrived:
            self.session.ack(arrival)
        self.writes(b'{"drover":"ack","seq":8}')
        self.assertEqual(self.session.take(), b"")

    def test_refuses_one_and_acknowledges_those_before(self) -> None:
        arrived = self.feed(*[f for f in documented() if f.startswith(b'{"drover":"message"')])
        self.session.ack(arrived[0])
        self.session.nack(arrived[1], DroverError("refused", "…"))
        self.writes('{"drover":"nack","seq":8,"error":{"code":"refused","message":"…"}}'.encode())

    def test_acknowledges_nothing_that_has_no_number(self) -> None:
        (arrival,) = self.feed({"drover": "message", "from": "app-2.1", "type": "a", "data": 1})
        self.session.ack(arrival)
        self.session.nack(arrival, DroverError("refused", ""))
        self.assertEqual(self.session.take(), b"")

    def test_checks_before_it_sends(self) -> None:
        def send(kind: Any, data: Any) -> str:
            return self.code(self.session.send, {"worker": "app-2"}, kind, data, Done())

        for kind in ("", "a b", ".a", "a*", "x" * 129, "é", "a\n", None):
            self.assertEqual(send(kind, 1), "bad-type")
        self.assertEqual(send("a", "x" * 1048575), "too-large")
        self.assertEqual(send("a", "é" * 524288), "too-large")
        self.assertEqual(send("a", nested(65)), "too-deep")
        self.assertEqual(send("a", nested(100000)), "too-deep")
        for data in (float("nan"), float("inf"), {1, 2}, b"x", "\ud800", object()):
            self.assertEqual(send("a", data), "bad-frame")
        self.session.send({"worker": "app-2"}, "a", nested(64), Done())
        self.session.send({"worker": "app-2"}, "a", "x" * 1048574, Done())
        self.session.send({"worker": "app-2"}, "a", "[" * 65, Done())
        self.session.send({"worker": "app-2"}, "A1:/._-", [[]] * 65, Done())

    def test_fails_what_waits_when_it_ends(self) -> None:
        sent, cached = Done(), Done()
        self.session.send({"worker": "app-2"}, "a", None, sent)
        self.session.take()
        self.session.cache.operate(operations.get("n", "k"), cached)
        self.session.close(DroverError("closed", "gone"))
        self.assertEqual((sent.code, cached.code), ("closed", "closed"))
        for ask in (lambda d: self.session.publish("a", 1, d), lambda d: self.session.cache.operate(array("stats"), d)):
            self.assertEqual(self.code(ask, Done()), "closed")


class RequestsTest(SessionTest):
    def test_asks_and_reads_the_answer(self) -> None:
        self.next_id(10)
        done = Done()
        number = self.session.request({"worker": "app-2"}, "price.get", 42, 2.0, done)
        self.assertEqual(number, 10)
        self.writes(b'{"drover":"request","id":10,"worker":"app-2","type":"price.get","data":42,"timeoutMs":2000}')
        self.feed(next(f for f in documented() if f.startswith(b'{"drover":"reply","id":10,')))
        self.assertEqual(done.data, {"price": 3})

    def test_cancels(self) -> None:
        self.next_id(10)
        done = Done()
        self.session.request({"worker": "app-2"}, "price.get", 42, None, done)
        self.session.take()
        self.session.cancel(10)
        self.writes(b'{"drover":"cancel","id":10}')
        self.feed({"drover": "reply", "id": 10, "error": {"code": "cancelled", "message": ""}})
        self.assertEqual(done.code, "cancelled")

    def test_answers(self) -> None:
        asked = next(f for f in documented() if f.startswith(b'{"drover":"request","id":31'))
        (request,) = self.feed(asked)
        self.assertIsInstance(request, Request)
        self.assertEqual((request.type, request.data, request.sender), ("price.get", 42, "app-1.1"))
        self.session.respond(request, {"price": 3})
        self.writes(b'{"drover":"response","id":31,"data":{"price":3}}')
        self.session.respond_error(request, ValueError("no such sku"))
        error = b'{"code":"handler-error","message":"ValueError: no such sku"}'
        self.assertEqual(self.session.take(), b'{"drover":"response","id":31,"error":' + error + b"}\n")
        self.session.respond_error(request, DroverError("sold-out", "none left"))
        self.assertEqual(json.loads(self.session.take())["error"], {"code": "sold-out", "message": "none left"})
        (cancel,) = self.feed(b'{"drover":"cancel","id":31}')
        self.assertEqual(cancel, Cancel(31))

    def test_answers_with_an_error_where_the_data_cannot_be_sent(self) -> None:
        (request,) = self.feed({"drover": "request", "id": 31, "from": "app-2.1", "type": "a", "data": None})
        for data, code in ((object(), "bad-frame"), ("x" * 1048577, "too-large"), (nested(65), "too-deep")):
            self.session.respond(request, data)
            error = json.loads(self.session.take())["error"]
            self.assertEqual(error["code"], code)
            self.assertTrue(error["message"].startswith("the response of worker app-1.1: "))

    def test_bounds_the_timeout(self) -> None:
        for timeout in (0, -1, 0.0001, 3601, float("nan")):
            code = self.code(self.session.request, {"worker": "app-2"}, "a", None, timeout, Done())
            self.assertEqual(code, "bad-frame")

    def test_ignores_replies_that_nobody_waits_for(self) -> None:
        self.assertEqual(self.feed({"drover": "reply", "id": 99, "data": 1}, {"drover": "reply", "data": 1}), [])

    def test_passes_over_what_it_does_not_know(self) -> None:
        with self.assertLogs("drover", "ERROR"):
            incoming = self.feed(b"no JSON", b"[1]", {"drover": "later"}, {"drover": "ping"}, {"drover": "ping", "id": 1})
        self.assertEqual(incoming, [Ping(1)])


class OtherFramesTest(SessionTest):
    def test_ready_and_shutdown(self) -> None:
        self.session.ready()
        self.writes(b'{"drover":"ready"}')
        frame = next(f for f in documented() if f.startswith(b'{"drover":"shutdown"'))
        self.assertEqual(self.feed(frame), [Shutdown(30)])
        frame = next(f for f in documented() if f.startswith(b'{"drover":"gc"'))
        self.assertEqual(self.feed(frame), [Collect()])

    def test_subscriptions(self) -> None:
        self.next_id(11)
        self.session.subscribe(True, ["orders.*"], ["worker-*", "message"], Done())
        self.writes(b'{"drover":"subscribe","id":11,"topics":["orders.*"],"events":["worker-*","message"]}')
        self.session.subscribe(False, ["orders.*"], [], Done())
        self.writes(b'{"drover":"unsubscribe","id":12,"topics":["orders.*"]}')
        for pattern in ("", "*a", "a*b", "a**", " ", "é*"):
            self.assertEqual(self.code(self.session.subscribe, True, [pattern], [], Done()), "bad-type")

    def test_events(self) -> None:
        one, two = self.feed(*[f for f in documented() if f.startswith(b'{"drover":"event"')])
        time = "2026-01-02T15:04:05.678Z"
        self.assertEqual(one, Event("worker-ready", "app-3.1", time, "worker app-3.1 is ready"))
        self.assertEqual(two, Event("message", "app-3.1", time, data={"hello": "there"}))

    def test_pong(self) -> None:
        self.assertEqual(self.feed(b'{"drover":"ping","id":3}'), [Ping(3)])
        db, disk = health.Check("db", bool, 1), health.Check("disk", bool, 1)
        checks = [health.passed(db, 0.0012, {"open": 4}), health.failed(disk, 0.0001, OSError("full"))]
        self.session.pong(3, checks, 0.4)
        self.writes(next(f for f in documented() if f.startswith(b'{"drover":"pong"')))

    def test_metrics(self) -> None:
        numbers = Metrics()
        orders = numbers.counter("orders_total", "Orders taken")
        orders.inc(kind="new")
        orders.inc(2, kind="new")
        self.session.metrics(numbers.changes() or [])
        one, two = (f for f in documented() if f.startswith(b'{"drover":"metrics"'))
        self.writes(one)
        numbers = Metrics()
        seconds = numbers.histogram("order_seconds", buckets=[0.1, 1])
        for value in (0.1, 0.1, 0.1, 0.1, 0.5):
            seconds.observe(value)
        self.session.metrics(numbers.changes() or [])
        self.writes(two)


class CacheTest(SessionTest):
    def test_puts_what_is_issued_together_into_one_frame(self) -> None:
        self.next_id(20)
        stored, hit, miss = Done(), Done(), Done()
        made = operations.options(60, ["team:1"])
        self.session.cache.operate(operations.store("set", "users", "7", {"name": "Ada"}, made), stored)
        self.session.cache.operate(operations.get("users", "7"), hit)
        self.session.cache.operate(operations.get("users", "8"), miss)
        self.writes(next(f for f in documented() if f.startswith(b'{"drover":"cache","id":20')))
        self.feed(next(f for f in documented() if f.startswith(b'{"drover":"reply","id":20')))
        self.assertEqual((stored.data, hit.data, miss.data), (True, [{"name": "Ada"}, 60000], None))

    def test_keeps_the_order_of_frames(self) -> None:
        self.session.cache.operate(array("stats"), Done())
        self.session.publish("a", 1, Done())
        self.session.cache.operate(array("stats"), Done())
        verbs = [json.loads(line)["drover"] for line in self.session.take().splitlines()]
        self.assertEqual(verbs, ["cache", "publish", "cache"])

    def test_sends_a_lease_alone(self) -> None:
        self.session.cache.operate(array("stats"), Done())
        self.session.cache.lease("users", "7", operations.lease("users", "7", 30, 5), Done())
        self.session.cache.operate(array("stats"), Done())
        ops = [json.loads(line)["ops"] for line in self.session.take().splitlines()]
        self.assertEqual(ops, [[["stats"]], [["lease", "users", "7", {"leaseMs": 30000, "waitMs": 5000}]], [["stats"]]])

    def test_bounds_a_frame(self) -> None:
        for _ in range(5):
            self.session.cache.operate(operations.store("set", "n", "k", "x" * 600000, None), Done())
        lines = self.session.take().splitlines()
        self.assertEqual(len(lines), 5)
        for _ in range(2500):
            self.session.cache.operate(operations.get("n", "k"), Done())
        counts = [len(json.loads(line)["ops"]) for line in self.session.take().splitlines()]
        self.assertEqual(counts, [1000, 1000, 500])
        huge = operations.store("set", "n", "k", "x" * 2200000, None)
        self.assertEqual(self.code(self.session.cache.operate, huge, Done()), "too-large")

    def test_gives_each_operation_its_own_error(self) -> None:
        bad, good = Done(), Done()
        self.next_id(20)
        self.session.cache.operate(operations.store("increment", "n", "k", 1, None), bad)
        self.session.cache.operate(operations.get("n", "k"), good)
        self.session.take()
        self.feed({"drover": "reply", "id": 20, "data": [{"error": {"code": "not-a-number", "message": ""}}, [{"error": 1}]]})
        self.assertEqual((bad.code, good.data), ("not-a-number", [{"error": 1}]))

    def test_fails_all_operations_of_a_frame_that_failed(self) -> None:
        for reply in ({"error": {"code": "cache-off", "message": ""}}, {"data": [True]}, {"data": 7}):
            self.next_id(20)
            one, two = Done(), Done()
            self.session.cache.operate(array("stats"), one)
            self.session.cache.operate(array("stats"), two)
            self.session.take()
            self.feed({"drover": "reply", "id": 20, **reply})
            expected = "cache-off" if "error" in reply else "bad-frame"
            self.assertEqual((one.code, two.code), (expected, expected))

    def test_checks_keys_and_options(self) -> None:
        for key in ("", "x" * 1025, "é" * 513, None, 7):
            self.assertEqual(self.code(operations.get, "n", key), "bad-operation")
        operations.get("n", "é" * 512)
        for ttl, tags in ((-1, ()), (float("nan"), ()), (None, ["t"] * 33), (None, "team")):
            self.assertEqual(self.code(operations.options, ttl, tags), "bad-operation")
        self.assertEqual(operations.options(0, []), {"ttlMs": 0})
        self.assertEqual(operations.options(0.0001, []), {"ttlMs": 1})
        self.assertIsNone(operations.options(None, []))
        for by in ("1", True, None):
            self.assertEqual(self.code(operations.store, "increment", "n", "k", by, None), "not-a-number")


class NearTest(SessionTest):
    def setUp(self) -> None:
        super().setUp()
        self.near = self.session.cache.near("users")
        self.number = 1
        self.answer(True)

    def answer(self, *results: Any) -> None:
        """Has drover answer the frame that is due."""
        number = json.loads(self.session.take())["id"]
        self.feed({"drover": "reply", "id": number, "data": list(results)})

    def ask(self, key: str = "7") -> Done:
        done = Done()
        self.session.cache.fetch("users", [key], operations.get("users", key), done)
        return done

    def drop(self) -> None:
        self.feed(next(f for f in documented() if f.startswith(b'{"drover":"drop"') and b"keys" in f))

    def test_keeps_what_a_reply_brought(self) -> None:
        done = self.ask()
        self.answer([{"name": "Ada"}])
        self.assertEqual(done.data, [{"name": "Ada"}])
        copy = self.near.look("7")
        self.assertEqual(copy, [{"name": "Ada"}])
        copy[0]["name"] = "Eve"  # the application may change what it gets
        self.assertEqual(self.near.look("7"), [{"name": "Ada"}])

    def test_drops_what_it_is_told_to(self) -> None:
        self.ask(), self.answer(["x"])
        self.drop()
        self.assertIsNone(self.near.look("7"))
        self.ask(), self.answer(["x"])
        self.feed(next(f for f in documented() if f.startswith(b'{"drover":"drop"') and b"all" in f))
        self.assertIsNone(self.near.look("7"))

    def test_does_not_keep_what_was_dropped_on_its_way(self) -> None:
        self.ask()
        self.drop()
        self.answer(["old"])
        self.assertIsNone(self.near.look("7"))
        self.ask()
        self.answer(["new"])
        self.assertEqual(self.near.look("7"), ["new"])

    def test_does_not_read_what_it_has_overwritten(self) -> None:
        self.ask(), self.answer(["old"])
        early = self.ask()
        number = json.loads(self.session.take())["id"]
        self.session.cache.change("users", "7", operations.store("set", "users", "7", "new", None), Done())
        self.assertIsNone(self.near.look("7"))
        self.feed({"drover": "reply", "id": number, "data": [["old"]]})
        self.assertEqual(early.data, ["old"])
        self.assertIsNone(self.near.look("7"))
        self.answer(True)
        self.ask(), self.answer(["new"])
        self.assertEqual(self.near.look("7"), ["new"])
        self.session.cache.change("users", None, array("invalidateTag", "users", "t"), Done())
        self.assertIsNone(self.near.look("7"))

    def test_does_not_keep_what_expired_or_is_not_there(self) -> None:
        self.ask(), self.answer(["x", 1500])
        self.now += 1.4
        self.assertEqual(self.near.look("7"), ["x"])
        self.now += 0.2
        self.assertIsNone(self.near.look("7"))
        self.ask(), self.answer(None)
        self.assertIsNone(self.near.look("7"))

    def test_keeps_a_bounded_number(self) -> None:
        self.near._limit = 2
        for key in ("a", "b"):
            self.ask(key), self.answer([key])
        self.near.look("a")
        self.ask("c"), self.answer(["c"])
        self.assertEqual([self.near.look(key) for key in "abc"], [["a"], None, ["c"]])

    def test_keeps_nothing_without_drovers_promise(self) -> None:
        session = self.session
        near = session.cache.near("others")
        number = json.loads(session.take())["id"]
        self.feed({"drover": "reply", "id": number, "data": [{"error": {"code": "bad-operation", "message": ""}}]})
        session.cache.fetch("others", ["7"], operations.get("others", "7"), Done())
        self.answer(["x"])
        self.assertIsNone(near.look("7"))

    def test_takes_part_in_get_many_and_leases(self) -> None:
        done = Done()
        self.session.cache.fetch("users", ["1", "2", "3"], operations.get_many("users", ["1", "2", "3"]), done)
        self.feed({"drover": "drop", "namespace": "users", "keys": ["2"]})
        self.answer([["a"], ["b"], None])
        self.assertEqual(done.data, [["a"], ["b"], None])
        self.assertEqual([self.near.look(key) for key in "123"], [["a"], None, None])
        self.session.cache.fetch("users", ["5"], operations.get_many("users", ["5"]), Done())
        self.answer([["e"]])
        self.assertEqual(self.near.look("5"), ["e"])
        self.session.cache.lease("users", "9", operations.lease("users", "9", 30, 5), Done())
        self.answer(["nine"])
        self.assertEqual(self.near.look("9"), ["nine"])


class LinesTest(unittest.TestCase):
    def test_come_in_any_pieces(self) -> None:
        text = b'{"a":1}\n"ready"\n\n{"b":2}\nrest'
        for size in range(1, len(text) + 1):
            lines = Lines()
            got = [line for i in range(0, len(text), size) for line in lines.feed(text[i : i + size])]
            self.assertEqual(got, [b'{"a":1}', b'"ready"', b"", b'{"b":2}'])
            self.assertEqual(lines.feed(b"!\n"), [b"rest!"])


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


if __name__ == "__main__":
    unittest.main()
