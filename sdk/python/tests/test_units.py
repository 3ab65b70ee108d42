"""The small parts: handlers, numbers, checks, names."""

from __future__ import annotations

import unittest
from typing import Any

from drover.core import health
from drover.core.handlers import Handlers
from drover.core.metrics import Metrics
from drover.core.names import matches, pool_of


class NamesTest(unittest.TestCase):
    def test_the_pool_of_a_worker(self) -> None:
        for worker, pool in (("app-1", "app"), ("app-1.3", "app"), ("my-app-12.34", "my-app"), ("drover", "drover")):
            self.assertEqual(pool_of(worker), pool)

    def test_patterns(self) -> None:
        self.assertTrue(matches("task.*", "task.run") and matches("*", "a") and matches("a", "a") and matches("a*", "a"))
        self.assertFalse(matches("task.*", "task") or matches("a", "ab") or matches("ab*", "a"))


class HandlersTest(unittest.TestCase):
    def test_all_that_match_take_a_message_and_the_best_answers(self) -> None:
        handlers = Handlers()
        one, two, three, four = (lambda m, n=n: n for n in range(4))
        for pattern, function in (("*", one), ("task.*", two), ("task.run", three), ("task.*", four)):
            handlers.add(pattern, function)
        self.assertEqual(handlers.all("task.run"), [one, two, three, four])
        self.assertEqual(handlers.all("other"), [one])
        self.assertIs(handlers.best("task.run"), three)
        self.assertIs(handlers.best("task.stop"), four)
        self.assertIs(handlers.best("other"), one)
        handlers.remove("*")
        self.assertIsNone(handlers.best("other"))
        handlers.add("task.run*", one)
        self.assertIs(handlers.best("task.run"), three)
        self.assertIs(handlers.best("task.run2"), one)


class MetricsTest(unittest.TestCase):
    def test_are_totals_and_told_when_they_change(self) -> None:
        metrics = Metrics()
        hits, size = metrics.counter("hits_total", "Hits"), metrics.gauge("size")
        self.assertIsNone(metrics.changes())
        hits.inc(), hits.inc(2), hits.inc(kind="b"), size.set(5), size.inc(), size.dec(2)
        self.assertEqual(
            metrics.changes(),
            [
                {"name": "hits_total", "type": "counter", "help": "Hits", "samples": [
                    {"labels": {}, "value": 3}, {"labels": {"kind": "b"}, "value": 1}]},
                {"name": "size", "type": "gauge", "samples": [{"labels": {}, "value": 4}]},
            ],
        )
        self.assertIsNone(metrics.changes())
        hits.inc()
        self.assertEqual(len(metrics.changes() or []), 2)

    def test_histogram(self) -> None:
        metrics = Metrics()
        seconds = metrics.histogram("s", buckets=[1, 2])
        for value in (0.5, 1, 1.5, 2, 3):
            seconds.observe(value)
        ((one,),) = [m["samples"] for m in metrics.changes() or []]
        self.assertEqual(one, {"labels": {}, "counts": [2, 2, 1], "sum": 8.0})

    def test_the_same_name_is_the_same_metric(self) -> None:
        metrics = Metrics()
        self.assertIs(metrics.counter("a"), metrics.counter("a"))
        metrics.histogram("h", buckets=[1])
        for again in (lambda: metrics.gauge("a"), lambda: metrics.histogram("h", buckets=[2])):
            self.assertRaises(ValueError, again)

    def test_refuses_what_prometheus_or_drover_would(self) -> None:
        metrics = Metrics()
        for name in ("", "1a", "a-b", "é", "drover_x", "go_x", "process_x"):
            self.assertRaises(ValueError, metrics.counter, name)
        counter, gauge = metrics.counter("a"), metrics.gauge("g")
        for labels in ({"worker": "1"}, {"le": "1"}, {"__x": "1"}, {"a-b": "1"}):
            self.assertRaises(ValueError, counter.inc, **labels)
        for value in (float("nan"), float("inf"), "1", None, True):
            self.assertRaises(ValueError, gauge.set, value)
        self.assertRaises(ValueError, counter.inc, -1)
        for buckets in ([], [1, 1], [2, 1], [float("inf")]):
            self.assertRaises(ValueError, metrics.histogram, "h", "", buckets)

    def test_keeps_a_bounded_number_of_samples(self) -> None:
        metrics = Metrics()
        counter = metrics.counter("a")
        for number in range(1200):
            counter.inc(n=str(number))
        ((samples),) = [m["samples"] for m in metrics.changes() or []]
        self.assertEqual(len(samples), 1000)


class HealthTest(unittest.TestCase):
    def outcome(self, returned: Any) -> Any:
        made = health.passed(health.Check("c", bool, 1), 0.002, returned)
        self.assertEqual((made.pop("name"), made.pop("ms")), ("c", 2.0))
        return made

    def test_what_a_check_returns(self) -> None:
        for good in (None, True, 0, "", {}):
            self.assertEqual(self.outcome(good), {"ok": True})
        self.assertEqual(self.outcome(False), {"ok": False})
        self.assertEqual(self.outcome({"open": 4}), {"ok": True, "details": {"open": 4}})
        self.assertFalse(self.outcome({"x": object()})["ok"])

    def test_what_it_raises(self) -> None:
        made = health.failed(health.Check("c", bool, 1), 0, ValueError())
        self.assertEqual((made["ok"], made["message"]), (False, "ValueError"))

    def test_bounds(self) -> None:
        checks = health.Checks()
        for name in ("", "x" * 65):
            self.assertRaises(ValueError, checks.add, name, bool, 1)
        for number in range(50):
            checks.add(str(number), bool, 1)
        checks.add("0", int, 1)
        self.assertIs(checks.all()[0].run, int)
        self.assertRaises(ValueError, checks.add, "51", bool, 1)


if __name__ == "__main__":
    unittest.main()
