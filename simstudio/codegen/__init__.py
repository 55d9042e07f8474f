"""Python modules of typed functions, written from the descriptions of workflows (``simstudio codegen``).

What belongs here: text of Python from a :class:`~simstudio.WorkflowDescription`. What does not: requests, files and
options of the command line. A description is data of a server, so every text of it becomes a literal or an identifier.
"""
