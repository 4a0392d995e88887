"""Requests that must succeed, and the error for one that did not."""

from dockmesh.agent.commit_confirm import ROLLED_BACK
from dockmesh.errors import CommandError, RolledBackError
from dockmesh.transport.requests import Answer, Request, Transport


async def demand(host: Transport, what: str, *requests: Request, do: str | None = None) -> tuple[Answer, ...]:
    """Like `ask`, for steps that must succeed: stops at the first that fails.

    Raises CommandError with `what`, the request and the answer; RolledBackError when the host rolled back.
    """
    answers = await host.ask(*requests, until_failure=True) if requests else ()
    for request, answer in zip(requests, answers, strict=False):
        if answer.code == ROLLED_BACK:
            raise RolledBackError(
                "rolled back to what it was before this run, because it heard nothing", host=host.name
            )
        if not answer.ok:
            raise failure(host.name, what, request, answer, do=do)
    return answers


def failure(host: str, what: str, request: Request, answer: Answer, *, do: str | None = None) -> CommandError:
    """The error for an answer that is not to be had otherwise."""
    said = (answer.err.strip() or answer.out.strip()).splitlines()
    return CommandError(
        what,
        host=host,
        ran=str(request),
        answered="\n".join([f"exit {answer.code}: {said[0] if said else 'nothing'}", *said[1:][-5:]]),
        do=do,
    )
