"""The tree shows the dataflow: imports run one way, modules stay small, and the README draws what is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("flows", "actors", "models")
MAY_IMPORT = {"flows": {"flows", "actors", "models"}, "actors": {"actors", "models"}, "models": {"models"}}
TOP = {
    *ROOMS, "tests", "benchmarks", "docs", ".ci", "cluster.yaml", "pyproject.toml", "constraints.txt", "README.md",
    "CHANGELOG.md", "LICENSE", "Makefile", ".gitignore",
}  # fmt: skip


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def modules(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        yield from sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        for name in imports(path)
        if name.split(".")[0] in {*ROOMS, "tests", "benchmarks"} - MAY_IMPORT[room]
    ]
    assert not wrong


def test_models_know_neither_ray_nor_the_network() -> None:
    far = {"ray", "aiohttp", "praw", "requests", "urllib3"}
    assert not [path for path in modules("models") for name in imports(path) if name.split(".")[0] in far]


def test_modules_and_functions_fit_in_the_eye() -> None:
    long = [
        str(path) for path in modules(*ROOMS, "tests", "benchmarks") if path.read_text().count("\n") > 400
    ]
    for path in modules(*ROOMS):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "mine":
                length = (node.end_lineno or 0) - node.lineno + 1
                long += [f"{path}:{node.lineno} {node.name} has {length} lines"] if length > 60 else []
    assert not long


def test_no_name_that_tells_nothing() -> None:
    junk = {"utils", "util", "helpers", "common", "misc", "manager"}
    assert not [path for path in modules(*ROOMS, "tests", "benchmarks") if path.stem in junk]


def test_only_the_rooms_stand_at_the_top() -> None:
    assert {name.split("/")[0] for name in tracked()} <= TOP


def test_a_benchmark_that_is_run_by_its_path_names_the_command_that_works() -> None:
    # Its own folder comes first on the path then, and benchmarks/models.py is no room.
    done = subprocess.run(
        [sys.executable, "benchmarks/image_server.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert (
        done.stderr == "run a benchmark as a module, from the checkout: python -m benchmarks.image_server\n"
    )
    told = "\n".join((ROOT / name).read_text() for name in tracked() if name.endswith((".md", ".py")))
    assert not re.findall(r"python benchmarks/\w+", told)


def test_constraints_pin_without_naming_a_host() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert lines and all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+", line) for line in lines)


def test_importing_a_room_does_no_work() -> None:
    """Importing everything starts no Ray, no thread and writes nothing to the terminal."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in modules(*ROOMS)
        if path.stem != "__main__"
    ]
    code = "import importlib, threading, sys\n"
    code += f"for name in {names!r}: importlib.import_module(name)\n"
    code += "import ray; assert not ray.is_initialized(); print(threading.active_count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1", done.stdout


def test_the_readme_draws_the_tree_that_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    tree = readme.split("<!-- tree -->")[1]
    drawn = set(re.findall(r"^\s*([\w./-]+?/?)\s{2,}\S", tree, flags=re.MULTILINE))
    assert len(drawn) > 20
    missing = [name for name in drawn if not (ROOT / name).exists()]
    assert not missing
    undrawn = {
        "/".join(path.relative_to(ROOT).parts) + ("/" if path.is_dir() else "")
        for room in ROOMS
        for path in (ROOT / room).iterdir()
        if path.name not in {"__init__.py", "__pycache__"}
    } - drawn
    assert not undrawn
