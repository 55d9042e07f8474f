"""Models of the operations under ``/api/v2`` (``client.v2``), one module for each resource."""
