"""Clients of other workflow services: Oomol Connect, SpeedPix and VectorVein.

What belongs here: the credentials, resources, models and errors of each service, in a package of its own, such as
``from simstudio.services.oomol import OomolConnectClient``. The packages use the core, the transport and the batch
engine, and nothing of Sim.
"""
