"""The phone driven by lines: for programs, for tests, and where there is no terminal."""

import asyncio

from offhook.cli.desk.choices import RefusedError
from offhook.cli.desk.commands import SendOn
from offhook.cli.desk.lines import command_of, help_for
from offhook.cli.desk.phone import DeskPhone
from offhook.cli.desk.standard_input import arriving
from offhook.cli.report import Report


async def drive(phone: DeskPhone, report: Report) -> None:
    """Do what each line says, one after the other, until this is cancelled. What comes early waits.

    A transfer that waits for an answer is not waited for, so that it can be taken back. At the end
    of the input the phone goes on.
    """
    await phone.begun()
    with arriving() as input_:
        rest = ""
        while text := await input_.get():
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                await _line(phone, report, line)
        await _line(phone, report, rest)
        await asyncio.Event().wait()


async def _line(phone: DeskPhone, report: Report, line: str) -> None:
    if not line.strip():
        return
    view = phone.view
    if line.strip().lower() in ("help", "?"):
        report.event("help", help_for(view))
        return
    try:
        command = command_of(line, view)
    except RefusedError as refusal:
        report.event("refused", str(refusal), line=line.strip())
        return
    task = phone.obey(command)
    if task is not None and not (isinstance(command, SendOn) and command.wait):
        await asyncio.wait([task])
