"""Sim's namespaces: each resource turns a call into a flow of requests and does no I/O itself.

What belongs here: operations, their routes and inputs, and the facts of Sim that its client passes to the core
(:mod:`simstudio.resources.settings`). What does not: what any API needs (:mod:`simstudio.core`), and the fields of
results (:mod:`simstudio.models`).

Terms: a *flow* is a generator that yields requests and returns a result. A *generation* is a line of Sim servers (v0.4,
v0.6, v0.8). A *dialect* is one version of Sim's API for the same calls. A *claim* is an id under which the server runs
an execution at most once.
"""
