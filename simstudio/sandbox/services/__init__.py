"""Local servers that answer like the services in :mod:`simstudio.services`, for tests and offline work."""
