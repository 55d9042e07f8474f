"""Models of the operations under ``/api/v1`` (``client.v1``), one module for each resource."""
