"""A worker with threads that uses the package drover."""
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import actions
import drover


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(drover.worker.id.encode())

    def log_message(self, *args):
        pass


@drover.on("do")
def do(request):
    """Calls a method of the client and tells what came of it."""
    try:
        method = actions.find(drover.connect(), request.data["call"])
        return {"result": actions.plain(method(*request.data.get("args", ()), **request.data.get("more", {})))}
    except drover.DroverError as error:
        return {"error": error.code}


@drover.on("compute")
def compute(request):
    def value():
        drover.cache.increment("computed")
        time.sleep(0.2)
        return drover.worker.id

    return drover.cache.get_or_set(request.data, value)


@drover.on("storm")
def storm(request):
    """Sends many messages to one worker, some at a time; tells which were acknowledged."""
    acknowledged, failed, numbers = [], {}, iter(range(request.data["count"]))

    def send():
        for number in numbers:
            try:
                drover.send_to(request.data["to"], "note", number)
                acknowledged.append(number)
            except drover.DroverError as error:
                failed[number] = error.code

    numbers = iter(list(numbers))
    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"acknowledged": acknowledged, "failed": failed}


@drover.on("slow")
def slow(request):
    actions.seen.append(["begun", None, request.sender])
    while not request.cancelled:
        time.sleep(0.005)
    actions.seen.append(["cancelled", None, request.sender])


drover.on("echo", lambda request: request.data)
drover.on("note", actions.record)
drover.on("seen", lambda request: actions.seen)
drover.subscribe("orders.*", actions.record)
drover.metrics.counter("jobs_total", "Jobs done").inc(3, kind="mail")
drover.metrics.histogram("job_seconds", buckets=[0.1, 1]).observe(0.5)
drover.health("disk", lambda: {"free": 7} if not os.path.exists(os.path.join(os.environ["DIR"], "full")) else False)

server = ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
server.daemon_threads = True


@drover.on_shutdown
def end():
    actions.ended(drover.connect())
    server.shutdown()


drover.ready()
server.serve_forever()
server.server_close()
