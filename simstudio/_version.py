"""The version of the distribution, in one place (read by the build and by the User-Agent)."""

__version__ = "1.0.0a1"
