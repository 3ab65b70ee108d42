"""Numbers of the application that show in drover's /metrics, with the worker as a label."""

from __future__ import annotations

import bisect
import math
import re
import threading
from typing import Any, Dict, List, Optional, Sequence, Tuple

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RESERVED = ("drover_", "go_", "process_")
_SAMPLES = 1000  # drover takes so many of a worker
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

Labels = Tuple[Tuple[str, str], ...]


class Metrics:
    """The numbers of this worker. They are handed to drover about once a second when they have changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._metrics: Dict[str, Metric] = {}
        self._samples = 0
        self._changed = False

    def counter(self, name: str, help: str = "") -> Counter:
        """A number that only grows."""
        known: Counter = self._get(Counter(self, name, help))
        return known

    def gauge(self, name: str, help: str = "") -> Gauge:
        """A number that goes up and down."""
        known: Gauge = self._get(Gauge(self, name, help))
        return known

    def histogram(self, name: str, help: str = "", buckets: Sequence[float] = BUCKETS) -> Histogram:
        """How many values were at most as large as each of the buckets."""
        known: Histogram = self._get(Histogram(self, name, help, buckets))
        return known

    def changes(self) -> Optional[List[Dict[str, Any]]]:
        """All numbers as the frame has them, if any has changed since the last call."""
        with self._lock:
            if not self._changed:
                return None
            self._changed = False
            return [metric._frame() for metric in self._metrics.values() if metric._samples]

    def _get(self, made: Any) -> Any:
        with self._lock:
            known = self._metrics.setdefault(made.name, made)
        if type(known) is not type(made) or getattr(known, "buckets", None) != getattr(made, "buckets", None):
            raise ValueError(f"the metric {made.name} exists already and is another {known.kind}")
        return known

    def _sample(self, metric: Metric, labels: Dict[str, str]) -> Any:
        key = tuple(sorted((name, str(value)) for name, value in labels.items()))
        sample = metric._samples.get(key)
        if sample is None:
            for name in labels:
                if not _LABEL.fullmatch(name) or name in ("worker", "le") or name.startswith("__"):
                    raise ValueError(f"{name!r} cannot be the name of a label")
            sample = metric._new()
            if self._samples < _SAMPLES:  # what is beyond is counted nowhere
                self._samples += 1
                metric._samples[key] = sample
        self._changed = True
        return sample


class Metric:
    """A name, and a sample for each set of labels."""

    kind = "metric"

    def __init__(self, registry: Metrics, name: str, help: str) -> None:
        if not _NAME.fullmatch(name) or name.startswith(_RESERVED):
            raise ValueError(f"{name!r} cannot be the name of a metric: it is not Prometheus's, or it is reserved")
        self.name = name
        self.help = help
        self._registry = registry
        self._samples: Dict[Labels, Any] = {}

    def _new(self) -> Any:
        return [0]

    def _add(self, by: float, labels: Dict[str, str]) -> None:
        _check(by)
        with self._registry._lock:
            self._registry._sample(self, labels)[0] += by

    def _value(self, sample: Any) -> Dict[str, Any]:
        return {"value": sample[0]}

    def _frame(self) -> Dict[str, Any]:
        made: Dict[str, Any] = {"name": self.name, "type": self.kind}
        if self.help:
            made["help"] = self.help
        samples = [{"labels": dict(labels), **self._value(sample)} for labels, sample in self._samples.items()]
        return {**made, **self._more(), "samples": samples}

    def _more(self) -> Dict[str, Any]:
        return {}


class Counter(Metric):
    """A number that only grows."""

    kind = "counter"

    def inc(self, by: float = 1, /, **labels: str) -> None:
        """Adds to the number."""
        if by < 0:
            raise ValueError("a counter only grows")
        self._add(by, labels)


class Gauge(Metric):
    """A number that goes up and down."""

    kind = "gauge"

    def set(self, value: float, /, **labels: str) -> None:
        """Sets the number."""
        _check(value)
        with self._registry._lock:
            self._registry._sample(self, labels)[0] = value

    def inc(self, by: float = 1, /, **labels: str) -> None:
        """Adds to the number."""
        self._add(by, labels)

    def dec(self, by: float = 1, /, **labels: str) -> None:
        """Takes from the number."""
        self._add(-by, labels)


class Histogram(Metric):
    """How many values were at most as large as each of its buckets."""

    kind = "histogram"

    def __init__(self, registry: Metrics, name: str, help: str, buckets: Sequence[float]) -> None:
        super().__init__(registry, name, help)
        self.buckets = tuple(buckets)
        if not self.buckets or any(a >= b for a, b in zip(self.buckets, self.buckets[1:])):
            raise ValueError("buckets are numbers that grow")
        for bound in self.buckets:
            _check(bound)

    def observe(self, value: float, /, **labels: str) -> None:
        """Counts a value."""
        _check(value)
        with self._registry._lock:
            sample = self._registry._sample(self, labels)
            sample[0][bisect.bisect_left(self.buckets, value)] += 1
            sample[1] += value

    def _new(self) -> Any:
        return [[0] * (len(self.buckets) + 1), 0]

    def _value(self, sample: Any) -> Dict[str, Any]:
        return {"counts": list(sample[0]), "sum": sample[1]}

    def _more(self) -> Dict[str, Any]:
        return {"buckets": list(self.buckets)}


def _check(value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
