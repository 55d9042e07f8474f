"""Traces of runs: spans, read from plain JSON data, and shown as text and as HTML.

What belongs here: :class:`~simstudio.Span` and :class:`~simstudio.Trace`, their queries, and one layout for the
terminal, for notebooks and for files. What does not: requests (:mod:`simstudio.resources.traces`), the models of logs
and results (:mod:`simstudio.models`), and colours of a terminal (:mod:`simstudio.cli`).

Servers differ in what they send, and old logs hold odd data: whatever cannot be read is None, and the rest is shown.

* ``span.py``: one step of a run.
* ``reading.py``: from JSON data to spans; ``values.py``: single values of it.
* ``record.py``: all spans of a run, and questions about them; ``trace.py``: the same with its pictures.
* ``costs.py``, ``critical_path.py``: the answers that need an algorithm.
* ``layout.py``: rows with bars, for ``text.py`` and ``html.py``; ``words.py``: durations and amounts for people.
"""
