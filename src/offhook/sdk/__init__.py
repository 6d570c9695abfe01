"""The app's side: signing in, phone services, calls and their audio."""
