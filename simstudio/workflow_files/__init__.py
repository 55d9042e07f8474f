"""Workflows of a workspace as files: their normal form, their differences, and a plan that makes a workspace equal.

What belongs here: plain data and decisions, and the two places where they meet the world, a folder
(:mod:`~simstudio.workflow_files.folder`) and a client (:mod:`~simstudio.workflow_files.remote`). What does not: options
and output of the command line (``simstudio workflows pull``, ``diff``, ``push`` and ``promote``).

* A :data:`~simstudio.workflow_files.document.Document` is one workflow in its normal form, which is also the content of
  its file: no times, no ids but those of blocks, no secrets, one order.
* A :class:`~simstudio.workflow_files.plan.Plan` says what has to be created, updated or deleted in a workspace.

Example:
    >>> from simstudio.workflow_files.plan import Source, make_plan
    >>> from simstudio.workflow_files.remote import read_workspace
    >>> staging = read_workspace(client, "staging")  # doctest: +SKIP
    >>> sources = [Source.of(each) for each in staging.workflows]  # doctest: +SKIP
    >>> plan = make_plan(sources, read_workspace(client, "production"), same=False)  # doctest: +SKIP
    >>> [(change.action, change.name) for change in plan.changes]  # doctest: +SKIP
    [('update', 'greet')]
"""
