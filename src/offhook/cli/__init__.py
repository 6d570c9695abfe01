"""The command line: ``offhook up | serve | call | answer | demo``."""


def main() -> None:
    """Run the command line. The entry point of the ``offhook`` script."""
    from offhook.cli.app import app  # typer and rich are loaded only when a command runs

    app(prog_name="offhook")
