"""The engine behind ``client.workflows.map(...)``: many executions, paced, resumable and distributed.

What belongs here: everything about many executions, for any service. A service implements the protocol
:class:`~simstudio.batch.execution.Execution` beside its resources. What does not: models, routes and statuses of a
service.

* :mod:`~simstudio.batch.execution`: the protocol that a service implements;
* :mod:`~simstudio.batch.options`: the options of ``map``, each declared once, for Python and the command line;
* :mod:`~simstudio.batch.plan`: from the arguments of a ``map`` method to a batch;
* :mod:`~simstudio.batch.inputs`: inputs of iterables, files and tables, read as they are needed;
* :mod:`~simstudio.batch.items`: inputs, their keys, and their outcomes (:class:`BatchItem`);
* :mod:`~simstudio.batch.ledger`: the state of each item, in an SQLite file that survives ``kill -9``;
* :mod:`~simstudio.batch.pace`: how many executions may run at a time, and when the next may begin;
* :mod:`~simstudio.batch.engine`: the coordinator, with one asyncio task for each item, for sync and async clients; an
  item passes :mod:`~simstudio.batch.intake`, :mod:`~simstudio.batch.attempts` and :mod:`~simstudio.batch.delivery`;
* :mod:`~simstudio.batch.sender`: runs executions in this process, or in workers (:mod:`~simstudio.batch.executors`);
* :mod:`~simstudio.batch.results`: the file of ``out=``, and :mod:`~simstudio.batch.export` of a whole ledger, in the
  formats of :mod:`~simstudio.batch.formats`;
* :mod:`~simstudio.batch.batch`: the iterators that users hold.

Only the coordinating process writes the ledger. An item is committed as ``sending`` before it is sent, so that after a
crash every item that may have run is in the ledger.
"""
