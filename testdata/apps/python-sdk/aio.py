"""An asyncio worker that uses the package drover."""
import asyncio
import inspect
import os

import actions
import drover
from drover import aio


async def serve(reader, writer, client):
    await reader.readuntil(b"\r\n\r\n")
    body = client.worker.id.encode()
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    await writer.drain()
    writer.close()


async def main():
    client = await aio.connect()

    @client.on("do")
    async def do(request):
        """Calls a method of the client and tells what came of it."""
        try:
            method = actions.find(client, request.data["call"])
            made = method(*request.data.get("args", ()), **request.data.get("more", {}))
            return {"result": actions.plain(await made if inspect.isawaitable(made) else made)}
        except drover.DroverError as error:
            return {"error": error.code}

    @client.on("give-up")
    async def give_up(request):
        """Cancels the task that waits for an answer."""
        asked = asyncio.ensure_future(client.request("slow", worker=request.data))
        await asyncio.sleep(1)  # in which it has come there
        asked.cancel()
        try:
            await asked
        except asyncio.CancelledError:
            return "cancelled"

    @client.on("compute")
    async def compute(request):
        async def value():
            await client.cache.increment("computed")
            await asyncio.sleep(0.2)
            return client.worker.id

        return await client.cache.get_or_set(request.data, value)

    @client.on("storm")
    async def storm(request):
        """Sends many messages to one worker, some at a time; tells which were acknowledged."""
        acknowledged, failed, numbers = [], {}, iter(range(request.data["count"]))

        async def send():
            for number in numbers:
                try:
                    await client.send_to(request.data["to"], "note", number)
                    acknowledged.append(number)
                except drover.DroverError as error:
                    failed[number] = error.code

        await asyncio.gather(*[send() for _ in range(4)])
        return {"acknowledged": acknowledged, "failed": failed}

    @client.on("slow")
    async def slow(request):
        actions.seen.append(["begun", None, request.sender])
        try:
            await asyncio.sleep(60)
        finally:
            if request.cancelled:
                actions.seen.append(["cancelled", None, request.sender])

    client.on("echo", lambda request: request.data)
    client.on("note", actions.record)
    client.on("seen", lambda request: actions.seen)
    await client.subscribe("orders.*", actions.record)
    client.metrics.counter("jobs_total", "Jobs done").inc(3, kind="mail")
    client.metrics.histogram("job_seconds", buckets=[0.1, 1]).observe(0.5)

    @client.health("disk")
    async def disk():
        return {"free": 7} if not os.path.exists(os.path.join(os.environ["DIR"], "full")) else False

    stop = asyncio.Event()
    client.on_shutdown(stop.set)
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, client), os.environ["HOST"], int(os.environ["PORT"])
    )
    client.ready()
    await stop.wait()
    actions.ended(client)
    server.close()
    await client.close()


asyncio.run(main())
