"""The way of a request to a server and of its response back, for any HTTP API.

What belongs here: requests and responses, flows and their drivers, middleware, deadlines, connections, and the errors
of all these. What does not: paths, bodies and models of an API (:mod:`simstudio.core`, the rooms above it), and
anything about Sim. This room imports no other room.

* A :class:`~simstudio.transport.message.Request` holds method, address, headers and body, and two facts that depend
  on its operation: the time limit of the call (``budget``) and the rule for sending it again (``resend``). A
  :class:`~simstudio.transport.message.Response` holds status, headers and body, and the earlier attempts of the call.
* A *flow* is a generator that yields requests and returns a result (:mod:`~simstudio.transport.flow`). ``drive`` runs a
  flow and blocks, ``adrive`` awaits. Everything that decides something is a flow, so it is written once for sync and
  async, and tested without sockets.
* A *middleware* is a generator function that passes a request on and returns the response
  (:mod:`~simstudio.transport.stack`). The default stack is authentication (:mod:`~simstudio.transport.auth`), rate
  limits (:mod:`~simstudio.transport.hints`), retry (:mod:`~simstudio.transport.retry`) and logging
  (:mod:`~simstudio.transport.logging`).
* The *wire* (:mod:`simstudio.transport.wire`) is what the innermost handler sends to: httpx's transports over a pool of
  our own, or a user's ``http_client``.
* A *deadline* (:mod:`~simstudio.transport.deadline`) bounds the whole call, from connecting to the last byte of the
  body, including retries and the pauses between them. Each phase gets what is left of it.
"""
