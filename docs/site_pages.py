"""Pages of the site that lie elsewhere: those at the root of the repository, and the modules.

`mkdocs.yml` runs it; it writes nothing beside the site.
"""

from __future__ import annotations

import re
from pathlib import Path

import mkdocs_gen_files as site

ROOT = Path(__file__).resolve().parent.parent
GUIDES = {
    "First scan": "first_scan.md",
    "Your own file": "own_file.md",
    "Facilities": "facilities.md",
    "Workflows": "workflows.md",
    "What the network is for": "network.md",
    "What the verdict means": "verdict.md",
    "Scan files": "data.md",
    "Clusters": "cluster.md",
    "Programs that call us": "client.md",
    "Every setting": "configuration.md",
    "Rules and why": "findings.md",
    "Testing": "testing.md",
}
ENGINE = {
    "Guide": "ptyconf.md",
    "The engine": "ptyconf_engine.md",
    "Supported types": "ptyconf_types.md",
    "Extending it": "ptyconf_extending.md",
    "Moving over": "ptyconf_moving.md",
}
PROJECT = {
    "The house": "ARCHITECTURE.md",
    "Contributing": "CONTRIBUTING.md",
    "Changes": "CHANGELOG.md",
    "Licence": "LICENSE.md",
}
"""Titles and pages; whatever else lies in docs/ comes behind the page that it belongs to by name."""

REFERENCE = {
    "ptyconf": ("ptyconf", "ptyconf.report", "ptyconf.freeze", "ptyconf.cli", "ptyconf.pytest_plugin"),
    "ptycho": (
        "ptycho",
        "ptycho.config.config",
        "ptycho.raw_data",
        "ptycho.loader",
        "ptycho.params",
        "ptycho.probe",
    ),
    "ptycho_torch": (
        "ptycho_torch.config_factory",
        "ptycho_torch.config_params",
        "ptycho_torch.config_bridge",
    ),
}
"""Modules that outside programs import."""

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

_LINK = re.compile(r"(?<=\]\()(?P<target>[^)#:\s]+)(?P<anchor>#[^)\s]*)?(?=\))")


def in_site(page: Path) -> str:
    """Read a page with its links as in the site, where pages of the root and of docs/ lie together."""
    text = page.read_text(encoding="utf-8")
    return _LINK.sub(lambda link: _target(link["target"]) + (link["anchor"] or ""), text)


def _target(target: str) -> str:
    target = target.removeprefix("../").removeprefix("docs/")
    if target.startswith("examples/"):
        return example_page(target)
    return {"README.md": "index.md", "LICENSE": "LICENSE.md"}.get(target, target)


def example_page(name: str) -> str:
    """Name the page that shows an example."""
    return f"example_{Path(name).stem}.md"


def pages_beside(page: str) -> list[str]:
    """Name the pages of docs/ that belong to one, `data_aps.md` to `data.md`."""
    stem = page.removesuffix(".md")
    return sorted(path.name for path in (ROOT / "docs").glob(f"{stem}_*.md"))


def title_of(page: str) -> str:
    """Give a page's own heading."""
    return (ROOT / "docs" / page).read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def navigation() -> str:
    """Write the table of contents."""
    lines = ["* [Start](index.md)", "* Guides"]
    named = {*GUIDES.values(), *ENGINE.values()}
    for title, page in GUIDES.items():
        lines.append(f"    * [{title}]({page})")
        lines += [f"    * [{title_of(other)}]({other})" for other in pages_beside(page) if other not in named]
    lines.append("* Examples")
    lines += [f"    * [{example.name}]({example_page(example.name)})" for example in EXAMPLES]
    lines.append("* Configuration engine")
    lines += [f"    * [{title}]({page})" for title, page in ENGINE.items()]
    lines += [f"    * [{title_of(page)}]({page})" for page in pages_beside("ptyconf.md") if page not in named]
    lines.append("* Reference")
    lines += [f"    * [{package}](reference_{package}.md)" for package in REFERENCE]
    lines.append("* Project")
    lines += [f"    * [{title}]({page})" for title, page in PROJECT.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Add the pages."""
    root = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    for source in [*root, *(ROOT / "docs").glob("*.md")]:
        with site.open(_target(source.name), "w") as page:
            page.write(in_site(source))
    for example in EXAMPLES:
        with site.open(example_page(example.name), "w") as page:
            page.write(f"# {example.name}\n\n```python\n{example.read_text(encoding='utf-8')}```\n")
    with site.open("LICENSE.md", "w") as page:
        page.write("# Licence\n\n" + (ROOT / "LICENSE").read_text(encoding="utf-8"))
    for package, modules in REFERENCE.items():
        with site.open(f"reference_{package}.md", "w") as page:
            page.write(f"# {package}\n\n" + "\n".join(f"::: {module}\n" for module in modules))
    with site.open("navigation.md", "w") as page:
        page.write(navigation())


main()
