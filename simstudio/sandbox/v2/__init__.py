"""Version 2 of Sim's API, behind the gate ``Sandbox(v2=…)``.

Each module declares a group of operations; :mod:`simstudio.sandbox.app` collects them.
"""
