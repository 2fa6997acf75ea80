"""A command ends with one message; an error raised in an actor is the error it is."""

from __future__ import annotations

import errno

import pytest
import typer
from ray.exceptions import ActorDiedError, NodeDiedError, RayTaskError

from actors.storage import OutputError
from flows.exits import PreflightError, RunFailedError, explained


def from_an_actor(error: Exception) -> RayTaskError:
    """Give what ray.get raises: an error of both kinds, that prints the remote traceback."""
    raised = RayTaskError("Sink.commit", "\x1b[36mray::Sink.commit()\x1b[39m Traceback", error)
    return raised.make_dual_exception_instance()


def end(error: Exception, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    @explained
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as ended:
        command()
    return ended.value.exit_code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (PreflightError("no --taste"), 2, "no --taste"),
        (RunFailedError("a crawler died"), 1, "a crawler died"),
        (from_an_actor(OutputError("not writable")), 2, "not writable"),
        (RayTaskError("f", "Traceback", from_an_actor(OutputError("not writable"))), 2, "not writable"),
        (RayTaskError("f", "Traceback", OutputError("not writable")), 2, "not writable"),
    ],
)
def test_expected_errors_are_one_message(
    error: Exception, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end(error, capsys) == (code, f"goldpan: {told}\n")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_what_is_whole(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    for error in (OSError(number, "full", "a.jpg"), from_an_actor(OSError(number, "full", "a.jpg"))):
        code, told = end(error, capsys)
        assert code == 1
        assert told.startswith("goldpan: the disk is full (a.jpg); what was committed is whole")
        assert told.count("\n") == 1


@pytest.mark.parametrize(
    "error", [ActorDiedError(), NodeDiedError("its node crashed."), from_an_actor(ActorDiedError())]
)
def test_a_process_that_ray_lost_is_one_message(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = end(error, capsys)
    assert code == 1
    assert told.startswith("goldpan: Ray lost a process of this run: ")
    assert told.endswith(". What was committed is whole: run the same command again\n")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "error", [ValueError("a defect"), FileNotFoundError("gone"), from_an_actor(KeyError("k"))]
)
def test_a_defect_keeps_its_traceback(error: Exception) -> None:
    @explained
    def command() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        command()
    assert raised.value is error
