"""Version 2 of Sim's API, behind the gate ``Sandbox(v2=…)``.

Each module declares a group of operations; `simstudio.sandbox.v2.routes.all_routes` puts them together.
"""
