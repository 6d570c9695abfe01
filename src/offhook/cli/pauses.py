"""A server does not stop in the middle of its work to look for garbage where there is none."""

import gc


def keep_pauses_short() -> None:
    """To be called once everything runs: what is loaded by then stays until the end.

    The garbage collector leaves it alone from now on. Otherwise each full collection would look
    through all of it and stop everything, the sound of every call too, for 50 to 100 ms.
    """
    gc.collect()
    gc.freeze()
