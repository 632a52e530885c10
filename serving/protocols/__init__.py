"""The HTTP edge, one module per protocol: each turns requests into calls of `Core` and answers into its own shape."""
