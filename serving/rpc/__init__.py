"""The gRPC context, an extra (`tenfold[grpc]`): imported only by a server with a port for it."""
