"""Models of ``/api/v1`` (API.md 5.5, NOTES 9), one module a resource."""
