"""Having people told in time: when to try again, and when a receiver is given up on."""
