"""What all who answer HTTP have in common: addresses, listeners, TLS, errors, limits, metrics."""
