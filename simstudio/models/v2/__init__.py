"""Models of ``/api/v2`` (API.md 3.5, 3.6, 4), one module a resource."""
