"""``python -m offhook.cli``, where the script is not on the path."""

from offhook.cli import main

main()
