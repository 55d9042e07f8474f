"""The parts that a client of any REST API needs, on top of the transport.

What belongs here: base classes of clients and resources; operations, and the routes and arguments of an API; pages,
polls, streams, uploads and downloads; models and their structuring; data frames; errors of runs. What does not:
anything that only one service has, such as its headers, environment variables, error codes and models. The service's
client passes such facts in. How a request gets to the server belongs to :mod:`simstudio.transport`, the only room that
this one imports.

Four things stand between a client and a request:

* A :class:`~simstudio.core.session.Session` is the state that a client shares with its clones: base address, API key,
  rate limits, middleware stack and connections. The constructor of a service's client makes it, and adds the facts of
  the service as a :class:`~simstudio.core.session.Service`: error codes by status, advice for error messages, and a
  better explanation of a 404. ``session.send(request)`` is the flow of one request through the stack.
* :class:`~simstudio.core.options.Options` are the settings in which a client and its clones may differ: timeout,
  retries and headers. They never change: ``client.with_options(timeout=120)`` makes a client with other options over
  the same session.
* A :class:`~simstudio.core.modes.Mode` says how a client runs a flow and what its operations return: ``Sync`` blocks,
  ``Async`` awaits, and ``RawSync`` and ``RawAsync`` (``client.with_raw_response``) return the response beside the
  result. Modes are classes without instances. A resource is generic over its mode, so that a type checker knows what
  ``client.things.get("a")`` returns.
* A :class:`~simstudio.core.context.Context` holds the session, options and mode of one client. Each resource of the
  client has the context: it makes requests from the options, runs flows in the mode, and pickles the client's
  configuration.

A *flow* is a generator that yields steps, mostly requests, and returns a result (:mod:`simstudio.transport.flow`). Read
``yield from`` as ``await``. An *operation* is a public method that is written as a flow, once for all modes::

    class Things(APIResource[M]):
        @operation
        def rename(self, thing_id: str, name: str) -> Flow[Thing]:
            path = f"/api/things/{segment(thing_id, 'thing_id')}"
            response = yield from self._patch(path, json={"name": name})
            return self._structure(response, Thing)

``client.things.rename("a", name="b")`` calls the generator method and passes the flow to ``context.call``, whose mode
drives it: ``_patch`` makes a request, ``session.send`` passes it down through the middleware, the driver sends it, and
the response becomes the value of ``yield from``. An error status raises there. Flows call other flows, such as
``self._fetch(thing_id)``, but never operations: those run a flow of their own. An operation that is one request with
many parameters is written with ``@endpoint`` or ``@paged`` instead (:mod:`simstudio.core.endpoint`).
"""
