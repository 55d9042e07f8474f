"""Many executions: bounded, paced, resumable, distributed. The engine behind ``client.workflows.map(...)``.

It is told what to execute as an :class:`~simstudio.batch.execution.Execution`, which a service implements beside its
resources. Nothing here knows a service: no models, routes or statuses of one.

* :mod:`~simstudio.batch.execution`: what the engine asks of a service;
* :mod:`~simstudio.batch.plan`: what a caller asks of the engine: the arguments of a ``map`` method, checked;
* :mod:`~simstudio.batch.items`: what goes in and what comes out: inputs, their identity, :class:`BatchItem`;
* :mod:`~simstudio.batch.ledger`: what is known of each item, in an SQLite file that survives ``kill -9``;
* :mod:`~simstudio.batch.pace`: how many may run at a time, and when the next may begin: pure, time is an argument;
* :mod:`~simstudio.batch.engine`: the coordinator, one asyncio task an item, the same for both clients; an item goes
  through its :mod:`~simstudio.batch.intake`, :mod:`~simstudio.batch.attempts` and :mod:`~simstudio.batch.delivery`;
* :mod:`~simstudio.batch.sender`: where executions run: here or (:mod:`~simstudio.batch.executors`) elsewhere;
* :mod:`~simstudio.batch.batch`: the iterators that users hold.

Only the coordinating process writes the ledger. What is about to be sent is committed *before* it is sent, so that
after a crash nothing can have run that the ledger does not know of.
"""
