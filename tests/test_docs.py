"""The docs are true: links lead somewhere, commands parse, examples run, tables say what the code says.

``python -m tests.test_docs`` writes those parts of docs/output.md anew that follow from the code.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer
import yaml
from pydantic import BaseModel, ByteSize, TypeAdapter
from pydantic_core import PydanticUndefined
from typer.core import TyperGroup

from actors.crawler.settings import HOST_BUDGETS
from flows.cli import app
from flows.demo.world import World
from flows.settings import Settings, assign, load_settings
from models import reasons
from models.registry import WeightsMissingError, encoder_row, resolve_weights
from models.row_file import EncoderFile
from models.schema import VERDICTS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
OUTPUT, SETTINGS, TASTE = DOCS / "output.md", DOCS / "settings.md", DOCS / "taste.md"
GOLDPAN = typer.main.get_command(app)
assert isinstance(GOLDPAN, TyperGroup)
COMMANDS = GOLDPAN.commands
LIKED = 32
# Of other programs, and of every command.
FOREIGN_FLAGS = {
    "--every",
    "--figure",
    "--generate",
    "--head",
    "--help",
    "--images",
    "--count",
    "--keys",
    "--only",
    "--quick",
    "--windows",
    "--rounds",
    "--seeds",
}  # Ray's, the benchmarks' and the chaos's


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, its language, the mark in the comment before it, and its text."""

    page: str
    language: str
    mark: str
    text: str


def blocks() -> Iterator[Block]:
    fence = re.compile(
        r"(?:^ *<!-- ([\w ]+) -->\n)?^( *)```(\w*)\n(.*?)^ *```$", flags=re.MULTILINE | re.DOTALL
    )
    for page in PAGES:
        for mark, indent, language, text in fence.findall(page.read_text()):
            yield Block(page.name, language, mark, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))


def prose(page: Path) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def code_spans(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(page))


def table_rows(page: Path) -> Iterator[list[str]]:
    """Give every table row's cells, without the backquotes."""
    for line in prose(page).splitlines():
        if line.startswith("| "):
            yield [cell.strip().replace("`", "") for cell in line.strip("|").split(" | ")]


# Links


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        linked = page.parent / path if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(linked), f"{page.name} links to {target}"


def test_every_page_is_in_the_list() -> None:
    listed = set(re.findall(r"\]\((\w+\.md)\)", (DOCS / "README.md").read_text()))
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} <= listed


# Commands


def commands() -> Iterator[tuple[str, list[str]]]:
    """Give (page, arguments) of every goldpan command in a shell block, `flows/x.py` and `ray submit` too."""
    for block in blocks():
        if block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                yield from ((block.page, arguments) for arguments in _goldpan_commands(line))
    for page in PAGES:
        for span in code_spans(page):
            if re.match(r"goldpan [a-z]+ |ray submit ", span):
                yield from ((page.name, arguments) for arguments in _goldpan_commands(span))


def _goldpan_commands(line: str) -> Iterator[list[str]]:
    for part in re.split(r"&&|\||;|>", line):
        words = shlex.split(part, comments=True)
        if words[:1] == ["goldpan"]:
            yield words[1:]
        for place, word in enumerate(words):
            if found := re.fullmatch(r"flows/(\w+)\.py", word):
                yield [found[1], *(rest for rest in words[place + 1 :] if rest != "--")]


@pytest.mark.parametrize(("page", "arguments"), list(commands()), ids=str)
def test_every_command_parses(page: str, arguments: list[str]) -> None:
    name, *rest = arguments
    assert name in COMMANDS, f"{page}: goldpan has no command {name}"
    command: Any = COMMANDS[name]
    while isinstance(command, TyperGroup) and rest and "--help" not in rest:
        assert rest[0] in command.commands, f"{page}: goldpan {name} has no command {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    if "--help" in rest or rest == ["…"]:
        return
    if "--out" not in rest and name in {"mine", "fit"}:
        rest += ["--out", "-"]
    command.make_context(name, rest)


def _leaves(command: Any) -> Iterator[Any]:
    if not isinstance(command, TyperGroup):
        yield command
        return
    for below in command.commands.values():
        yield from _leaves(below)


def flags(*names: str) -> set[str]:
    chosen = [command for name in names or COMMANDS for command in _leaves(COMMANDS[name])]
    return {
        flag
        for command in chosen
        for option in command.params
        for flag in (*option.opts, *option.secondary_opts)
        if flag.startswith("--")
    }


def test_every_flag_that_is_named_exists() -> None:
    for page in PAGES:
        named = {flag for span in code_spans(page) for flag in re.findall(r"(?<![\w-])--[a-z][\w-]+", span)}
        assert named - flags() - FOREIGN_FLAGS == set(), page.name


# Settings


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give (name, default) of every setting that is one value, list or map."""
    for name, field in model.model_fields.items():
        kind, default = field.annotation, field.default
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_of(kind, f"{prefix}{name}.")
        else:
            yield prefix + name, default


def documented_settings() -> dict[str, str]:
    known = {name for name, _ in settings_of(Settings)}
    return {row[0]: row[1] for row in table_rows(SETTINGS) if len(row) == 3 and row[0] in known}


def as_documented(default: Any, text: str) -> bool:
    if default is PydanticUndefined or default is None:
        return text == ("required" if default is PydanticUndefined else "none")
    if isinstance(default, ByteSize):
        return TypeAdapter(ByteSize).validate_python(text) == default
    if isinstance(default, bool) or not isinstance(default, int | float):
        return text == (json.dumps(default) if not isinstance(default, str) else str(default))
    return float(text) == default


def test_every_setting_is_documented_with_its_default() -> None:
    documented = documented_settings()
    defaults = dict(settings_of(Settings))
    assert set(documented) == set(defaults)
    wrong = {name: text for name, text in documented.items() if not as_documented(defaults[name], text)}
    assert not wrong


def test_every_flag_of_mine_is_documented() -> None:
    first_cells = " ".join(row[0] for row in table_rows(SETTINGS))
    assert flags("mine") == set(re.findall(r"--[\w-]+", first_cells))


def test_every_setting_that_is_named_exists() -> None:
    known = {name for name, _ in settings_of(Settings)}
    groups = {name.rpartition(".")[0] for name in known}
    for page in PAGES:
        named = {span for span in code_spans(page) if re.fullmatch(r"(crawl|window)\.[\w.]+", span)}
        named |= {
            found.lower().replace("__", ".")
            for found in re.findall(r"\bGOLDPAN_(\w+__\w+)", page.read_text())
        }
        assert named - known - groups == set(), page.name


def test_the_built_in_budgets_are_documented() -> None:
    rows = {row[0]: row[1:] for row in table_rows(SETTINGS)}
    for host, budget in HOST_BUDGETS.items():
        assert rows[host] == [str(budget.connections), f"{budget.per_second:g}"]


def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = (block for block in blocks() if block.mark == "loads")
    (tmp_path / "goldpan.yaml").write_text(example.text)
    given: dict[str, Any] = {"sources": ["urls:links.txt"], "out": "out"}
    from_file = load_settings(given, tmp_path / "goldpan.yaml")
    assert from_file.window.count == 512 and from_file.crawl.host_budgets["i.imgur.com"].per_second == 5
    monkeypatch.setenv("GOLDPAN_WINDOW__COUNT", "64")
    monkeypatch.setenv("GOLDPAN_CRAWL__ALLOW_PRIVATE", '["nas.local:8080"]')
    from_environment = load_settings(given, tmp_path / "goldpan.yaml")
    assert from_environment.window.count == 64 and from_environment.taste == "liked"
    assert from_environment.crawl.allow_private == ("nas.local:8080",)
    assign(given, "window.count=16")
    assert load_settings(given, tmp_path / "goldpan.yaml").window.count == 16


def test_the_row_of_an_encoder_is_one() -> None:
    (example,) = (block for block in blocks() if block.mark == "encoder row")
    assert EncoderFile(**yaml.safe_load(example.text)).name == "mynet"


# What follows from the code


def columns_table() -> str:
    lines = ["| column | type | unit | meaning | null when |", "|---|---|---|---|---|"]
    for field in VERDICTS:
        notes = {name.decode(): text.decode() for name, text in field.metadata.items()}
        cells = (
            f"`{field.name}`",
            str(field.type),
            notes.get("unit", ""),
            _escaped(notes["meaning"]),
            notes["null"],
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    # Outside of code Markdown takes <this> for HTML.
    return re.sub(r"[\w:/]*<[\w ]+>(?:[\w./]|<[\w ]+>)*", r"`\g<0>`", text)


def reasons_tree() -> str:
    tree = (reasons.__doc__ or "").partition("::\n\n")[2]
    return "```\n" + re.sub(r"^ {4}", "", tree, flags=re.MULTILINE).rstrip() + "\n```"


def generated(text: str) -> str:
    for mark, content in (("columns", columns_table()), ("reasons", reasons_tree())):
        before, _, after = text.split(f"<!-- {mark} -->\n")
        text = f"{before}<!-- {mark} -->\n{content}\n<!-- {mark} -->\n{after}"
    return text


def test_the_columns_and_reasons_are_those_of_the_code() -> None:
    text = OUTPUT.read_text()
    assert text == generated(text), "run: python -m tests.test_docs"
    assert all(f"{reason.value} " in reasons_tree() for reason in reasons.Reason)


def test_the_message_about_clip_is_the_real_one(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError) as missing:
        resolve_weights(encoder_row("clip"), tmp_path)
    assert str(missing.value).replace(str(tmp_path), "~/.cache/goldpan") in TASTE.read_text()


def test_the_demo_is_as_large_as_it_says() -> None:
    world, text = World.build(1), (DOCS / "demo.md").read_text()
    posts, candidates, subreddits = map(
        int, re.findall(r"about (\d+) posts with (\d+) candidates in (\d+) sub", text)[0]
    )
    assert abs(len(world.posts) - posts) < 10 and abs(len(world.truth.rows) - candidates) < 10
    assert len({post["subreddit"] for post in world.posts}) == subreddits


# Examples that run


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small demo in out/demo, mined by the docs' own command, and the images it liked."""
    folder = tmp_path_factory.mktemp("docs")
    (first,) = (block for block in blocks() if block.mark == "runs first")
    done = in_shell(first.text, folder)
    assert "0 missing, 0 twice, 0 unexpected" in done.stderr
    (run,) = (folder / "out/demo/runs").iterdir()
    (folder / "liked").mkdir()
    for image in sorted(Path(json.loads(run.read_text())["settings"]["taste"]).iterdir())[:LIKED]:
        shutil.copy(image, folder / "liked")
    return folder


def in_shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


RUNNABLE = [block for block in blocks() if block.mark == "runs"]


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: f"{block.page}-{block.language}")
def test_every_example_runs(workplace: Path, block: Block) -> None:
    match block.language:
        case "sh":
            in_shell(block.text, workplace)
        case "python":
            done = in_shell(f"python - <<'END'\n{block.text}\nEND", workplace)
            assert done.stdout or list(workplace.glob("refused/*.jpg"))
        case "sql":
            text = block.text.replace("'out/", f"'{workplace}/out/")
            assert duckdb.connect().sql(text.strip().rstrip(";")).fetchall()
        case _:
            pytest.fail(f"{block.page}: no way to run {block.language}")


def test_what_the_pages_say_is_left_is_there(workplace: Path) -> None:
    drawn = next(block for block in blocks() if block.page == "output.md").text
    named = re.findall(r"^(\w+)/", drawn, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in (workplace / "out/demo").iterdir())
    for path in (workplace / "out/demo/images").glob("*/*"):
        assert re.fullmatch(r"t3_\w+_\w+_[0-9a-f]{8}\.(jpg|png|webp)", path.name)


if __name__ == "__main__":
    OUTPUT.write_text(generated(OUTPUT.read_text()))
