"""Everything between a resource and the network. Nothing in here knows Sim."""
