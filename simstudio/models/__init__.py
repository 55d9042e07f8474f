"""The models of Sim's API: frozen attrs classes, one module for each resource.

What belongs here: the fields of requests and responses, with their documentation, and the errors of a deployment beside
its model. What does not: I/O, and how a model behaves (``simstudio.core.model``) or is made from JSON
(``simstudio.core.conversion``).
"""
