"""The pages: their Python runs, their commands exist, their links lead somewhere."""

import re
import shlex

import pytest
from few_points import by_few_points

from ReVertLib import __version__
from ReVertLib.__main__ import main
from ReVertLib.cli.main import COMMANDS
from ReVertLib.cli.old_names import renamed
from Testing.house.test_boundaries import ROOMS

NAMING = ("README.md", "docs/film.md", "docs/train-your-own.md", "docs/training.md", "docs/two_views.md")
"""Where every command is named."""

PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "docs/accuracy/*.md", "Resources/**/*.md")


def pages(root):
    found = [path for pattern in PAGES for path in sorted(root.glob(pattern))]
    assert len(found) > 8
    return found


def blocks(text, language):
    """The fenced blocks of a language, without their indentation."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.S | re.M)
    return [block for name, block in found if name == language]


def anchors(text):
    """The names under which GitHub links to the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), flags=re.M)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in plain}


def test_blocks_and_anchors_are_found():
    text = "# One `two`: three\n```python\nx = 1\n```\n```\nshell # no heading\n```\n## A [b](c) d\n"
    assert blocks(text, "python") == ["x = 1\n"]
    assert blocks(text, "") == ["shell # no heading\n"]
    assert anchors(text) == {"one-two-three", "a-b-d"}


@pytest.mark.parametrize("page", ["docs/api.md", "README.md"])
def test_the_python_of_a_page_runs(root, page, tmp_path, monkeypatch):
    by_few_points(monkeypatch)
    monkeypatch.chdir(tmp_path)
    code = blocks((root / page).read_text(), "python")
    assert code
    names = {}
    for block in code:
        exec(compile(block, page, "exec"), names)


def test_every_command_on_a_page_is_accepted(root, capsys):
    """`--help` behind the words of a command: its name must exist, and its options."""
    seen = set()
    for page in pages(root):
        text = page.read_text()
        lines = [line for block in blocks(text, "") for line in block.replace("\\\n", " ").splitlines()]
        lines += re.findall(r"`(revert [^`]*)`", text)
        for line in lines:
            if not line.startswith("revert "):
                continue
            words = shlex.split(line, comments=True)
            if page.name == "CHANGELOG.md":
                words[1:] = renamed(words[1:])[0]
            assert words[1] in COMMANDS, f"{page.name}: {line}"
            options = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)}
            with pytest.raises(SystemExit):
                main([words[1], "--help"])
            missing = options - set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", capsys.readouterr().out))
            assert not missing, f"{page.name}: {line}"
            seen.add(words[1])
    assert seen >= {"reconstruct", "compare", "drr", "simulate", "train", "evaluate"}


def test_every_command_is_on_a_page(root):
    text = "".join((root / page).read_text() for page in NAMING)
    assert [name for name in COMMANDS if f"revert {name}" not in text] == []


def test_every_link_leads_somewhere(root):
    broken = []
    for page in pages(root):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if re.match(r"[a-z]+://|mailto:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
                broken.append(f"{page.relative_to(root)}: {target}")
    assert broken == []


def test_every_file_named_on_a_page_exists(root):
    """`Testing/...py`, `ReVertLib/...py` and their like in code font."""
    missing = []
    for page in pages(root):
        for name in re.findall(
            r"`(?:python )?((?:Testing|ReVertLib|ReVert|Resources|docs)/[\w./-]+)", page.read_text()
        ):
            if not (root / name).exists():
                missing.append(f"{page.relative_to(root)}: {name}")
    assert missing == []


def test_the_layout_names_every_room_in_the_order_of_imports(root):
    text = (root / "CONTRIBUTING.md").read_text().split("## Setting up")[0]
    named = re.findall(r"^\| `(\w+)/` \|", text, flags=re.M)
    folders = {path.name for path in (root / "ReVertLib").iterdir() if (path / "__init__.py").is_file()}
    assert sorted(named) == sorted(folders)
    places = [next(i for i, rooms in enumerate(ROOMS) if name in rooms) for name in named]
    assert places == sorted(places)


def test_the_citation_and_the_changes_are_of_this_version(root):
    text = (root / "CITATION.cff").read_text()
    assert f"\nversion: {__version__}\n" in text
    assert {line.partition(":")[0] for line in text.splitlines() if re.match(r"[a-z]", line)} >= {
        *("cff-version", "message", "title", "type", "authors", "license", "repository-code", "references")
    }
    assert f"\n## {__version__}" in (root / "CHANGELOG.md").read_text()
