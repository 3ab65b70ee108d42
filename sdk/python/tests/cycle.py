"""Garbage that is there until somebody collects it."""

from __future__ import annotations

import gc
import unittest
import weakref
from typing import Any, Callable


class _Node:
    next: Any = None


def cycle(test: unittest.TestCase) -> Callable[[], Any]:
    """Makes some, and returns what returns None when it is gone. Python itself collects nothing during the test."""
    gc.disable()
    test.addCleanup(gc.enable)
    node = _Node()
    node.next = node
    return weakref.ref(node)
