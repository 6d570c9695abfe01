"""What all HTTP answers have in common: errors, tracking ids, CORS, limits, metrics."""
