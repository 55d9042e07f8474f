"""What VectorVein's answers and arguments are made of."""
