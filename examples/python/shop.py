"""A shop of the order service: it takes orders over HTTP. There are several of it."""

import collections
import dataclasses
import json
import time
from typing import Any, Deque, Dict
from urllib.parse import unquote

import drover
from journal import journal
from service import Service, serve

products = drover.cache.namespace("products")
orders = drover.metrics.counter("shop_orders_total", "Orders placed")
seconds = drover.metrics.histogram("shop_order_seconds", "How long placing an order takes", [0.001, 0.01, 0.1, 1])
recent: Deque[Dict[str, Any]] = collections.deque(maxlen=100)  # orders that any shop took


@drover.on("order.placed")
def heard(message: drover.Message) -> None:
    journal(f"heard {message.data['id']}")
    recent.append(message.data)


@drover.health("orders")  # is asked by drover and shown in drover workers
def check() -> Dict[str, int]:
    return {"recent": len(recent)}


def product(sku: str) -> Any:
    """From the cache of all shops. When it is not there one of them asks the warehouse."""
    return products.get_or_set(
        sku, lambda: drover.request("product.get", sku, pool="warehouse"), ttl=60, tags=[sku]
    )


def place(order: Dict[str, Any]) -> Dict[str, Any]:
    """The warehouse takes an order from the stock, and the other shops are told."""
    began = time.monotonic()
    taken = drover.request("stock.take", order, pool="warehouse")
    products.invalidate_tag(order["sku"])  # the stock is another now
    number = drover.cache.increment("orders")
    recent.append(order)
    told = drover.broadcast("order.placed", order)
    orders.inc(sku=order["sku"])
    seconds.observe(time.monotonic() - began)
    return {
        "number": number,
        **order,
        "total": taken["price"] * order["quantity"],
        "left": taken["left"],
        "told": told.received,
        "missed": [dataclasses.asdict(failure) for failure in told.failed],
    }


def read_order(body: bytes) -> "Dict[str, Any] | None":
    try:
        given = json.loads(body)
        order = {"id": given["id"], "sku": given["sku"], "quantity": int(given["quantity"])}
    except (ValueError, KeyError, TypeError):
        return None
    return order if order["id"] and order["sku"] and order["quantity"] >= 1 else None


class Shop(Service):
    def handle_request(self, method: str, path: str, body: bytes) -> "tuple[int, Any]":
        try:
            return self.route(method, path, body)
        except drover.DroverError as error:  # of the warehouse, or of drover on the way there
            status = {"unknown-product": 404, "sold-out": 409}.get(error.code)
            if status:
                return status, {"error": error.message}
            return 503, {"error": error.message, "code": error.code}

    def route(self, method: str, path: str, body: bytes) -> "tuple[int, Any]":
        if method == "GET" and path.startswith("/products/"):
            return 200, product(unquote(path[len("/products/") :]))
        if method == "GET" and path == "/orders":
            return 200, {"orders": list(recent)}
        if method == "POST" and path == "/orders":
            order = read_order(body)
            if order is None:
                return 400, {"error": "an order has an id, a sku and a quantity from 1 on"}
            return 201, place(order)
        return 404, {"error": f"there is no {path}"}


if __name__ == "__main__":
    serve(Shop, 8080)
