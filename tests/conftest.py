"""What holds for every test: the event loop is kept clean, and CI accepts no skip."""

pytest_plugins = ["loop_hygiene", "no_skips", "pytester"]
