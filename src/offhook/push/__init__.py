"""The push backend, between the service's webhook and a sleeping phone. To come."""
