"""What any REST client needs, on top of the transport, and nothing of Sim."""
