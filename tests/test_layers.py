"""Imports go downwards only, and in no circle; an import that only a type needs counts like any other."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "tlzoo"
MAP = PACKAGE.parent / "docs" / "architecture.md"
MAX_MODULES = 20
"""Maximum number of modules of a folder."""
VAGUE = {"found", "told", "said", "kept"}
"""They say how a value came to be, and not what it is."""
LAYERS = (
    ("errors", "escape"),
    ("files", "hub", "keys", "locks", "terminal", "vocabulary"),
    ("blobs", "cards"),
    ("checkpoints", "leaderboard"),
    ("data",),
    ("core",),
    ("architectures",),
    ("adapters",),
    ("tasks",),
    ("baselines", "drafting", "measure"),
    ("transfer",),
    ("draw", "oracles"),
    ("run",),
    ("check", "export", "metrics"),
    ("forecast",),
    ("__init__", "api", "publish"),
    ("space",),
    ("cli",),
    ("__main__",),
)
"""From the ground up; each entry is a package or a module."""


def name_of(path: Path) -> str:
    """Dotted name of a module."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


MODULES = {name_of(path): path for path in PACKAGE.rglob("*.py")}


def imports(path: Path) -> set[str]:
    """Modules of the package that a module imports: at its top, inside functions, or for types only."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tlzoo"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner in MODULES else str(node.module))
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names if alias.name.startswith("tlzoo"))
    return {name if name in MODULES else f"{name}.__init__" for name in names}


def level(module: str) -> int:
    """Which layer a module is of."""
    top = module.split(".")[1]
    return next(i for i, layer in enumerate(LAYERS) if top in layer)


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of more than one module (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in arrows[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            place = stack.index(node)
            if len(stack) - place > 1:
                circles.append(sorted(stack[place:]))
            del stack[place:]

    for node in arrows:
        if node not in index:
            visit(node)
    return circles


def test_every_module_has_a_layer() -> None:
    assert {module.split(".")[1] for module in MODULES} == {name for layer in LAYERS for name in layer}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_is_below_or_beside(module: str) -> None:
    above = {other for other in imports(MODULES[module]) if level(other) > level(module)}
    assert not above


def test_there_is_no_circle() -> None:
    assert circles({module: imports(path) for module, path in MODULES.items()}) == []


def test_a_circle_is_noticed() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [["a", "b", "c"]]


def test_no_module_is_called_utils() -> None:
    assert not list(PACKAGE.rglob("*util*"))


def test_no_folder_has_many_modules() -> None:
    folders = {path.parent for path in MODULES.values()}
    assert not [str(folder) for folder in folders if len(list(folder.glob("*.py"))) > MAX_MODULES]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_names_say_what_a_value_is(module: str) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                names.add(name)
    assert not names & VAGUE


def test_the_map_has_all_layers_in_their_order() -> None:
    """From the top down; a row of the map may hold neighbouring layers."""
    rows = [line.split(" | ")[0] for line in MAP.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    row_of = {Path(name).stem: place for place, row in enumerate(rows) for name in re.findall(r"`([^`]+)`", row)}
    places = [{row_of[name] for name in layer if not name.startswith("__")} for layer in LAYERS[::-1]]
    for above, below in pairwise(filter(None, places)):
        assert max(above) <= min(below)
