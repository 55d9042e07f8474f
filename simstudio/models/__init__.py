"""What the API's answers are turned into: frozen attrs classes. Nothing in here does I/O."""
