"""The phone without a screen: a command a line comes in, and what happens goes out as lines."""

from offhook.cli.desk import commands as do
from offhook.cli.desk.choices import NEED_A_NUMBER, BadInputError, Verb, decide, possible
from offhook.cli.desk.view import PhoneView

_OTHER_WORDS = {
    "reject": "decline",
    "leave": "hangup",
    "merge": "join",
    "dtmf": "tones",
}


def command_of(line: str, view: PhoneView) -> do.Command:
    """What a line like ``dial 1002`` or ``hold`` means. Raises `RefusedError`."""
    word, _, argument = line.strip().partition(" ")
    word = word.lower()
    try:
        verb = Verb(_OTHER_WORDS.get(word, word))
    except ValueError:
        raise BadInputError(f"There is no command {word!r}; help tells what can be done.") from None
    return decide(view, verb, argument.strip())


def help_for(view: PhoneView) -> str:
    """What can be done now."""
    words = []
    for verb in Verb:
        if possible(view, verb):
            needs = " NUMBER" if verb in NEED_A_NUMBER else " DIGITS" if verb is Verb.TONES else ""
            words.append(f"{verb}{needs}")
    return "Now: " + ", ".join(words)
