"""Imports go downwards only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "tlzoo"
LAYERS = [
    "cards",
    "blobs",
    "leaderboard",
    "data",
    "architectures",
    "adapters",
    "tasks",
    "measure",
    "transfer",
    "run",
    "publish",
    "space",
    "cli",
]
"""From the ground up. Modules that are not in a layer (errors, pickles, api) are checked where it matters."""
SEAM = {"tlzoo.adapters.base", "tlzoo.adapters.image"}
"""The seam itself: architectures below and tasks above both speak it."""


def imports(path: Path) -> set[str]:
    """Modules of the package that a module imports at run time, at its top or inside functions."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.ImportFrom) and (child.module or "").startswith("tlzoo"):
                found.add(child.module or "")
            elif isinstance(child, ast.Import):
                found.update(a.name for a in child.names if a.name.startswith("tlzoo"))
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_is_below(layer: str) -> None:
    above = {f"tlzoo.{name}" for name in LAYERS[LAYERS.index(layer) + 1 :]}
    for path in (PACKAGE / layer).rglob("*.py"):
        for module in imports(path) - SEAM:
            assert not any(module == a or module.startswith(a + ".") for a in above), f"{path}: imports {module}"


def test_what_all_layers_stand_on_imports_none_of_them() -> None:
    assert imports(PACKAGE / "locks.py") == {"tlzoo.errors"}
    assert imports(PACKAGE / "files.py") == {"tlzoo.errors", "tlzoo.locks"}


def test_no_module_is_called_utils() -> None:
    assert not list(PACKAGE.rglob("*util*"))
