"""The command line: one command for every method of `Platform` and `Service`, under the same name."""
