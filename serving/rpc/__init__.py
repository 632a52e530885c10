"""The gRPC edge, an extra (`tenfold[grpc]`): imported only by a server that is told a port for it."""
