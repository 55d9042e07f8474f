"""The command line, ``simstudio`` or ``python -m simstudio.cli``, with the extra ``[cli]``.

What belongs here: commands, one module for each command or group, registered in :mod:`simstudio.cli.app`; their
options, output and exit codes. What does not: anything that a Python program could need as well. Shared by commands:

* :mod:`~simstudio.cli.connection`: ``--base-url``, ``--api-version``, ``--sandbox``, ``--sandbox-app``, ``--json``,
  the client they make, and what it says where a version of the API cannot do something;
* :mod:`~simstudio.cli.global_options`: ``--profile`` and ``-v``; :mod:`~simstudio.cli.access`: from options, the
  environment and a profile to an address and a key; :mod:`~simstudio.cli.profile_file` and
  :mod:`~simstudio.cli.keys` store them;
* :mod:`~simstudio.cli.completion`: what a shell completes;
* :mod:`~simstudio.cli.inputs`: from ``--input``, ``--input-json`` and ``--file`` to a workflow's input;
* :mod:`~simstudio.cli.output`: standard output is for results, and with ``--json`` holds JSON and nothing else;
* :mod:`~simstudio.cli.tables`: what a terminal shows in place of JSON; :mod:`~simstudio.cli.lists`: the same of lists;
* :mod:`~simstudio.cli.headers`: ``--header NAME:VALUE``, and files of headers;
* :mod:`~simstudio.cli.upload_sessions`: uploads that a later command goes on with;
* :mod:`~simstudio.cli.deployment`: deploying, and waiting for it, in both versions of the API;
* :mod:`~simstudio.cli.prompts`: asking a human what a paused run asks;
* :mod:`~simstudio.cli.batch_settings`, :mod:`~simstudio.cli.batch_run` and the other rooms of ``simstudio batch``;
* :mod:`~simstudio.cli.progress`: what a terminal shows while it waits, on standard error;
* :mod:`~simstudio.cli.failures`, :mod:`~simstudio.cli.ending`: from an exception to lines for people, or one JSON
  object, and an exit code.
"""
