"""The protocol without input or output: bytes in, bytes out. Both clients are built on it."""
