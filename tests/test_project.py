"""The project itself keeps its own rules."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from infra.env import VARIABLES

PACKAGES = ("assets_pipeline", "catalog", "dashboard", "infra")
HEAVY = ("torch", "torchvision", "diffusers", "transformers", "onnxruntime", "rembg")


def git_files(root: Path) -> list[Path]:
    """What git tracks, and what it would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [root / name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def modules(root: Path) -> list[Path]:
    return [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]


def imported(root: Path, statement: str) -> set[str]:
    """The top-level modules loaded after `statement` in a fresh interpreter."""
    script = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    environ = {"PATH": os.environ["PATH"], "DEMO": "true", "DJANGO_SETTINGS_MODULE": "infra.settings"}
    result = subprocess.run([sys.executable, "-c", script], cwd=root, env=environ, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def test_import_contracts_hold(root: Path) -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_web_process_starts_without_anything_heavy(root: Path) -> None:
    loaded = imported(root, "import django; django.setup(); import infra.urls, infra.wsgi")
    assert "catalog" in loaded
    assert loaded.isdisjoint({*HEAVY, "numpy", "scipy", "cv2", "PIL", "numba", "trimesh", "assets_pipeline"})


def test_the_command_finds_mistakes_before_anything_heavy_is_loaded(root: Path) -> None:
    loaded = imported(root, "import assets_pipeline.__main__")
    assert loaded.isdisjoint({*HEAVY, "numba", "pxr", "embreex", "boto3", "django"})


def test_the_pipeline_is_loaded_without_models(root: Path) -> None:
    loaded = imported(root, "import assets_pipeline.pipeline")
    assert loaded.isdisjoint({*HEAVY, "boto3", "django", "dramatiq"})


def test_every_module_says_what_it_is_for(root: Path) -> None:
    silent = [
        str(path.relative_to(root))
        for path in modules(root)
        if path.parent.name != "migrations" and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_module_is_longer_than_400_lines(root: Path) -> None:
    written = [path for path in modules(root) if path.parent.name != "migrations"]
    long = {str(path.relative_to(root)): len(path.read_text().splitlines()) for path in written}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_named_for_nothing(root: Path, package: str) -> None:
    names = {path.stem for path in (root / package).rglob("*.py")}
    assert names.isdisjoint({"utils", "util", "helpers", "helper", "services", "manager", "misc"})


def test_only_settings_and_the_command_read_the_environment(root: Path) -> None:
    readers = {
        str(path.relative_to(root)) for path in modules(root) if re.search(r"os\.environ|getenv", path.read_text())
    }
    settings = {"infra/settings.py", "infra/wsgi.py", "infra/asgi.py", "assets_pipeline/worker/__init__.py"}
    command = {"assets_pipeline/__main__.py", "assets_pipeline/weights.py"}  # weights.py hands it on to pip and npm
    worker = {"assets_pipeline/worker/presence.py"}  # hands a part of it on to the child process
    assert readers <= settings | command | worker


def test_no_file_names_a_machine(root: Path) -> None:
    """No absolute path of a machine, no registry's address, nobody's home."""
    places = re.compile(rb"(?<![\w.])/(?:home|Users|root|work|mnt|srv)/\w|--index-url|https?://\S+/simple/")
    files = [path for path in git_files(root) if path not in {Path(__file__), root / "infra" / "lock.sh"}]
    assert [str(path.relative_to(root)) for path in files if places.search(path.read_bytes())] == []


def test_locks_name_no_registry(root: Path) -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-node.lock", "package-lock.json"):
        hosts = set(re.findall(r"https?://([^/\s\"]+)", (root / name).read_text()))
        assert hosts <= {"opencollective.com", "github.com", "tidelift.com"}, name


def test_every_locked_file_has_its_hash_and_torch_is_not_locked(root: Path) -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        entries = re.split(r"\n(?=\S)", (root / name).read_text().strip())
        assert all("--hash=sha256:" in entry for entry in entries), name
        assert not any(entry.startswith(("torch", "nvidia")) for entry in entries), name


def test_the_run_lock_is_part_of_the_development_lock(root: Path) -> None:
    pins = [set(re.findall(r"^\S+==\S+", (root / name).read_text(), re.MULTILINE)) for name in _locks()]
    assert pins[0] < pins[1]


def _locks() -> tuple[str, str]:
    return "requirements.lock", "requirements-dev.lock"


def test_torch_is_in_the_diffusion_extras_alone_and_torchvision_nowhere(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    lists = {"": project["dependencies"], **project["optional-dependencies"]}
    assert {name for name, needs in lists.items() if any(re.match(r"torch\b", need) for need in needs)} == {
        "diffusion-cpu",
        "diffusion-gpu",
    }
    assert not any("torchvision" in need for needs in lists.values() for need in needs)


def test_every_environment_variable_is_in_the_readmes_table_with_its_default(root: Path) -> None:
    rows = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| ([^|]*) \|", (root / "README.md").read_text(), re.MULTILINE))
    spelled = {None: "required", "": "none"}
    expected = {variable.name: spelled.get(variable.default, f"`{variable.default}`") for variable in VARIABLES}
    documented = {name: value.strip() for name, value in rows.items()}
    assert {name: documented.get(name) for name in expected} == expected
    read_by_the_command = set(re.findall(r"PLINTH_[A-Z_]+", (root / "assets_pipeline" / "__main__.py").read_text()))
    assert read_by_the_command <= set(documented)
    assert set(documented) <= set(expected) | read_by_the_command


def test_every_link_to_a_file_in_the_documents_leads_somewhere(root: Path) -> None:
    for document in [root / "README.md", *(root / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_make_target_that_the_readme_names_exists(root: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", (root / "README.md").read_text(), re.MULTILINE)
    assert {"demo", "test"} <= set(named) <= targets


def test_the_changelog_tells_of_this_version(root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
