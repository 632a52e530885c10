"""The HTTP layer, one module per protocol: each turns requests into calls of `Core` and results into responses."""
