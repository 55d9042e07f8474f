"""Many executions: ``client.workflows.map(...)``, bounded, paced, resumable, distributed.

The rooms:

* :mod:`~simstudio.batch.items`: what goes in and what comes out: inputs, their identity, :class:`BatchItem`;
* :mod:`~simstudio.batch.ledger`: what is known of each item, in an SQLite file that survives ``kill -9``;
* :mod:`~simstudio.batch.pace`: how many may run at a time, and when the next may begin: pure, time is an argument;
* :mod:`~simstudio.batch.engine`: the coordinator, one asyncio task an item, the same for both clients; an item goes
  through its :mod:`~simstudio.batch.intake`, :mod:`~simstudio.batch.attempts` and :mod:`~simstudio.batch.delivery`;
* :mod:`~simstudio.batch.sender`: how one item is executed, here or (:mod:`~simstudio.batch.executors`) elsewhere;
* :mod:`~simstudio.batch.batch`: the iterators that users hold.

Only the coordinating process writes the ledger. What is about to be sent is committed *before* it is sent, so that
after a crash nothing can have run that the ledger does not know of.
"""
