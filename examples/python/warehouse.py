"""The warehouse of the order service. Shops ask it over drover, and it listens nowhere."""

import threading
from typing import Any, Dict

import drover
from journal import journal

lock = threading.Lock()
products: Dict[str, Dict[str, Any]] = {
    "pen": {"sku": "pen", "price": 120, "stock": 100_000},
    "book": {"sku": "book", "price": 1500, "stock": 2},
}
lookups = drover.metrics.counter("warehouse_lookups_total", "Products that were looked up")


def find(sku: str) -> Dict[str, Any]:
    if sku not in products:  # an error's code reaches the shop that asked
        raise drover.DroverError("unknown-product", f"there is no product {sku}")
    return products[sku]


@drover.on("product.get")
def get(request: drover.Request) -> Dict[str, Any]:
    lookups.inc()
    with lock:
        return dict(find(request.data))


@drover.on("stock.take")
def take(request: drover.Request) -> Dict[str, int]:
    order = request.data
    with lock:
        product = find(order["sku"])
        if product["stock"] < order["quantity"]:
            raise drover.DroverError("sold-out", f"only {product['stock']} of {order['sku']} are left")
        product["stock"] -= order["quantity"]
        journal(f"took {order['id']}")
        return {"price": product["price"], "left": product["stock"]}


@drover.health("stock")  # is asked by drover and shown in drover workers
def stock() -> Dict[str, int]:
    with lock:
        return {sku: product["stock"] for sku, product in products.items()}


if __name__ == "__main__":
    over = threading.Event()
    drover.on_shutdown(over.set)
    drover.ready()
    over.wait()
