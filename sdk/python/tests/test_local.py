"""A program that runs without drover: it is a cluster of one."""

from __future__ import annotations

import asyncio
import threading
import unittest
from typing import Any, List

import drover
from drover import DroverError, aio
from drover.local.cache import LocalCache
from drover.local.store import Store
from drover.local.timers import Timers


class LocalCacheTest(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.timers = Timers(lambda: self.now)
        self.drops: List[Any] = []
        self.cache = LocalCache(Store(lambda: self.now), self.timers, self.drops.append)

    def do(self, *op: Any) -> Any:
        answers: List[Any] = []
        self.cache.serve([list(op)], answers.append)
        return answers[0][0] if answers else "waits"

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.timers.run()

    def test_entries_expire(self) -> None:
        self.do("set", "n", "k", "v", {"ttlMs": 1500})
        self.assertEqual(self.do("get", "n", "k"), ["v", 1500])
        self.wait(1.4)
        self.assertEqual(self.do("get", "n", "k"), ["v", 100])
        self.wait(0.2)
        self.assertIsNone(self.do("get", "n", "k"))
        self.assertTrue(self.do("add", "n", "k", "w"))
        self.assertFalse(self.do("add", "n", "k", "x"))
        self.assertEqual(self.do("getMany", "n", ["k", "l"]), [["w"], None])
        self.assertEqual((self.do("delete", "n", "k"), self.do("delete", "n", "k")), (True, False))

    def test_increments_keep_time_and_tags(self) -> None:
        self.assertEqual(self.do("increment", "n", "k", 2, {"ttlMs": 1000, "tags": ["t"]}), 2)
        self.wait(0.5)
        self.assertEqual(self.do("increment", "n", "k", 1, {"ttlMs": 9000}), 3)
        self.assertEqual(self.do("get", "n", "k"), [3, 500])
        self.assertEqual(self.do("invalidateTag", "n", "t"), 1)
        self.do("set", "n", "k", "v")
        self.assertEqual(self.do("increment", "n", "k", 1)["error"]["code"], "not-a-number")

    def test_invalidation_and_namespaces(self) -> None:
        for key, tags in (("a1", ["x"]), ("a2", ["x", "y"]), ("b1", [])):
            self.do("set", "n", key, 1, {"tags": tags})
        self.do("set", "m", "a1", 1, {"tags": ["x"]})
        self.assertEqual((self.do("invalidateTag", "n", "y"), self.do("invalidatePrefix", "n", "a")), (1, 1))
        self.assertEqual((self.do("get", "n", "b1"), self.do("get", "m", "a1")), ([1], [1]))
        self.assertEqual(self.do("stats")["entries"], 2)

    def test_changes_are_told_to_near_copies(self) -> None:
        self.do("set", "n", "k", 1), self.do("near", "n", True)
        self.do("set", "n", "k", 2), self.do("increment", "n", "k", 1), self.do("delete", "n", "k"), self.do("set", "m", "k", 1)
        self.assertEqual(self.drops, [{"namespace": "n", "keys": ["k"]}] * 3)
        self.do("near", "n", False), self.do("set", "n", "k", 2)
        self.assertEqual(len(self.drops), 3)

    def lease(self, wait_ms: int = 1000) -> List[Any]:
        answers: List[Any] = []
        self.cache.serve([["lease", "n", "k", {"leaseMs": 5000, "waitMs": wait_ms}]], lambda r: answers.append(r[0]))
        return answers

    def test_one_computes_and_the_others_wait(self) -> None:
        one, two, three = self.lease(), self.lease(), self.lease(100)
        self.assertEqual((one, two, three), ([{"lease": "1"}], [], []))
        self.wait(0.2)
        self.assertEqual(three[0]["error"]["code"], "timeout")
        self.assertTrue(self.do("set", "n", "k", "v", {"lease": "1"}))
        self.assertEqual((two, self.lease()), ([["v"]], [["v"]]))

    def test_a_lease_that_ends_goes_to_the_next(self) -> None:
        one, two, three = self.lease(), self.lease(60000), self.lease(60000)
        self.do("release", "n", "k", "1")
        self.assertEqual((two, three), ([{"lease": "2"}], []))
        self.assertEqual(self.do("set", "n", "k", "v", {"lease": "1"})["error"]["code"], "lease-lost")
        self.wait(5)
        self.assertEqual(three, [{"lease": "3"}])
        self.assertEqual(self.do("set", "n", "k", "v", {"lease": "2"})["error"]["code"], "lease-lost")
        self.assertTrue(self.do("set", "n", "k", "v", {"lease": "3"}))
        self.assertEqual(self.do("set", "n", "k", "v", {"lease": "3"})["error"]["code"], "lease-lost")
        self.assertEqual(one, [{"lease": "1"}])

    def test_a_frame_is_answered_when_its_last_operation_is_done(self) -> None:
        self.lease()
        answers: List[Any] = []
        ops = [["lease", "n", "k", {"leaseMs": 1, "waitMs": 5000}], ["get", "n", "k"]]
        self.cache.serve(ops, answers.append)
        self.assertEqual(answers, [])
        self.do("set", "n", "k", "v", {"lease": "1"})
        self.assertEqual(answers, [[["v"], None]])


class ThreadsTest(unittest.TestCase):
    def tearDown(self) -> None:
        drover.close()

    def code(self, call: Any) -> str:
        with self.assertRaises(DroverError) as caught:
            call()
        return caught.exception.code

    def test_is_app_1_1_and_alone(self) -> None:
        self.assertEqual(drover.worker, drover.Worker("app-1.1", "app", 1, 1))
        drover.ready()
        self.assertEqual(drover.broadcast("t", 1), drover.Result(0, 0, []))
        self.assertEqual(drover.publish("t", 1), drover.Result(0, 0, []))
        self.assertEqual(self.code(lambda: drover.send_to("app-2", "t")), "no-target")
        self.assertEqual(self.code(lambda: drover.send_to_random("t")), "no-target")
        self.assertEqual(self.code(lambda: drover.request("t", pool="jobs")), "no-target")
        drover.subscribe("t", print), drover.unsubscribe("t"), drover.events("*", print)

    def test_reaches_itself_by_name(self) -> None:
        drover.on("double", lambda request: request.data * 2)
        drover.on("never", lambda request: threading.Event().wait(20))
        self.assertEqual(drover.request("double", 21, worker="app-1"), 42)
        self.assertEqual(drover.send_to("app-1.1", "double", 1), drover.Delivery("app-1.1", True))
        self.assertEqual(self.code(lambda: drover.send_to("app-1", "other")), "no-handler")
        self.assertEqual(self.code(lambda: drover.request("other", worker="app-1")), "no-handler")
        self.assertEqual(self.code(lambda: drover.request("never", worker="app-1", timeout=0.05)), "timeout")

    def test_has_the_cache(self) -> None:
        cache = drover.cache.namespace("n", near=True)
        cache.set("k", {"a": 1}, ttl=60, tags=["t"])
        self.assertEqual([cache.get("k"), cache.get("k"), cache.get("l", 7)], [{"a": 1}, {"a": 1}, 7])
        cache.set("k", 2)
        self.assertEqual((cache.get("k"), cache.get_many(["k", "l"])), (2, {"k": 2}))
        self.assertEqual((cache.increment("k"), cache.get("k"), cache.delete("k"), cache.get("k")), (3, 3, True, None))
        self.assertEqual(self.code(lambda: cache.set("", 1)), "bad-operation")
        self.assertEqual(self.code(lambda: drover.cache.namespace("a b")), "bad-operation")

    def test_computes_a_value_once(self) -> None:
        computed: List[int] = []
        begun, go = threading.Event(), threading.Event()

        def compute() -> int:
            computed.append(1)
            begun.set()
            go.wait(20)
            return 42

        values: List[Any] = []
        threads = [threading.Thread(target=lambda: values.append(drover.cache.get_or_set("k", compute))) for _ in range(8)]
        for thread in threads:
            thread.start()
        begun.wait(20), go.set()
        for thread in threads:
            thread.join()
        self.assertEqual((values, computed), ([42] * 8, [1]))

    def test_opens_anew_after_close(self) -> None:
        drover.cache.set("k", 1)
        drover.close(), drover.close()
        self.assertIsNone(drover.cache.get("k"))
        self.assertRaises(AttributeError, lambda: drover.nothing)


class AioTest(unittest.IsolatedAsyncioTestCase):
    async def test_everything_works(self) -> None:
        async with await aio.connect() as client:
            client.ready()

            @client.on("double")
            async def double(request: drover.Request) -> Any:
                return request.data * 2

            self.assertEqual(await client.request("double", 21, worker="app-1"), 42)
            computed: List[int] = []

            async def compute() -> int:
                computed.append(1)
                await asyncio.sleep(0.01)
                return 42

            values = await asyncio.gather(*[client.cache.get_or_set("k", compute) for _ in range(8)])
            self.assertEqual((values, computed), ([42] * 8, [1]))


if __name__ == "__main__":
    unittest.main()
