"""Many executions: ``client.workflows.map(...)``, bounded, paced, resumable, distributed.

The rooms:

* :mod:`~simstudio.batch.items`: what goes in and what comes out: inputs, their identity, :class:`BatchItem`;
* :mod:`~simstudio.batch.ledger`: what is known of each item, in an SQLite file that survives ``kill -9``;
* :mod:`~simstudio.batch.pace`: how many may run at a time, and when the next may begin: pure, time is an argument;
* :mod:`~simstudio.batch.engine`: the coordinator, one asyncio task an item, the same for both clients;
* :mod:`~simstudio.batch.batch`: the iterators that users hold.

Only the coordinating process writes the ledger. What is about to be sent is committed *before* it is sent, so that
after a crash nothing can have run that the ledger does not know of.
"""
