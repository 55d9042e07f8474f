"""Models of ``/api/v2``, one module for each resource."""
