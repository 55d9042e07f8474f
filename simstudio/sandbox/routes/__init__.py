"""The operations of Sim's API, one module an area."""
