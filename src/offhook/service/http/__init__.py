"""What every HTTP answer has in common: errors of one shape, tracking ids, CORS, limits, metrics."""
