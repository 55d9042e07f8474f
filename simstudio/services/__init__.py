"""Clients of further workflow services on the same base: credentials, resources and models each.

Import the one that is meant: ``from simstudio.services.oomol import OomolConnectClient``.
"""
