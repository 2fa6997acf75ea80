"""What the gates of the settings need before a run: their models fetched, checked and put where every node reads."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from actors.gate import cached, held_at
from actors.storage import Output
from flows.exits import PreflightError
from flows.settings import Settings
from models.classifier import GateRow, scores
from models.inference import check_finite, probes
from models.registry import ModelError, file_sha256, write_atomically
from models.session import Session


def prepare(settings: Settings, output: Output, console: Console) -> Settings:
    """Make the gates' models ready; gives the settings with every gate's sha256, which names its model from here on.

    Raises PreflightError, with the gate's name, for a model that is not there, not the one of the hash, not ONNX, not
    of the row's shape, or that answers what is not a number.
    """
    rows = tuple(_ready(row, output, console) for row in settings.gates.models)
    gates = settings.gates.model_copy(update={"models": rows})
    return settings.model_copy(update={"gates": gates})


def _ready(row: GateRow, output: Output, console: Console) -> GateRow:
    found = _downloaded(row, console) if row.is_remote else _local(row)
    row = row.model_copy(update={"sha256": file_sha256(found)})
    if found != cached(row):
        write_atomically(cached(row), found.read_bytes())
    try:
        check(row, cached(row))
    except ModelError as error:
        raise PreflightError(f"gates.models: {row.name}: {error}") from error
    if not output.exists(held_at(row)):
        output.write(held_at(row), cached(row).read_bytes())
    return row


def check(row: GateRow, path: Path) -> None:
    """Run a gate's model on a black, a white and a noisy picture; raises ModelError where it does not do."""
    session = Session(path, row.model_row(), threads=1)
    check_finite(scores(session, row, probes(row.size)))


def _local(row: GateRow) -> Path:
    path = Path(row.model).expanduser().absolute()
    if not path.is_file():
        raise PreflightError(f"gates.models: {row.name}: there is no model at {row.model}")
    if row.sha256 is not None and file_sha256(path) != row.sha256:
        raise PreflightError(
            f"gates.models: {row.name}: {row.model} is another file than the one of sha256 {row.sha256}; correct one"
        )
    return path


def _downloaded(row: GateRow, console: Console) -> Path:
    # Slow to import, and of use to a gate of a URL only.
    import pooch

    path = cached(row)
    if not path.is_file() or file_sha256(path) != row.sha256:
        console.print(f"fetching the gate {row.name} from {row.model}", highlight=False, markup=False)
        try:
            pooch.retrieve(row.model, f"sha256:{row.sha256}", path.name, path.parent)
        # A hash that does not match is a ValueError, and what the network does an OSError.
        except (OSError, ValueError) as error:
            problem = str(error).splitlines()[0][:200]
            raise PreflightError(f"gates.models: {row.name}: {row.model} was not had: {problem}") from error
    return path
