"""What the workers of the tests do when they are asked to, over the channel itself."""
import dataclasses
import os

# What came, in order; "cancelled" for a request that its requester gave up.
seen = []


def record(message):
    """Writes down a message where it outlives this worker."""
    seen.append([message.type, message.data, message.sender])
    if os.environ.get("RECORD"):
        file = os.open(os.environ["RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{message.data}\n".encode())
        os.close(file)


def find(client, path):
    """The method at a path such as cache.get; near is a namespace with near copies."""
    if path.startswith("near."):
        return getattr(client.cache.namespace("near", near=True), path[5:])
    for name in path.split("."):
        client = getattr(client, name)
    return client


def plain(value):
    """A result that JSON can say."""
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value


def ended(client):
    """Leaves a note that this worker was asked to end."""
    with open(os.path.join(os.environ["DIR"], "ended-" + client.worker.id), "w") as note:
        note.write(f"{client.grace_seconds}")
