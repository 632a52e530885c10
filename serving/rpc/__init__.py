"""The gRPC context, an extra (`tenfold[grpc]`): imported only by a server that is told a port for it."""
