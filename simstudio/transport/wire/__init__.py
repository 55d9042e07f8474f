"""Wires: what carries one request to a server and brings one response.

A wire has ``send(request) -> Response`` (awaited on the async side) and a way to close. It maps the failures of its
HTTP library to :class:`~simstudio.transport.errors.APIConnectionError` and nothing else: errors that are not transport
failures (a cassette's mismatch, a bug) come out as themselves. The body of a response is read at once, except that of a
2xx response to a ``streamed`` request, which is left as ``response.body``.

There are two: the default one over httpx's transports (:mod:`simstudio.transport.wire.httpx`), and one over an HTTP
client of the user's own (:mod:`simstudio.transport.wire.client`).
"""
