"""The documentation does what it says: its examples run, its links lead somewhere.

What is run, in one folder a page and in the order of the page:

- ``console`` blocks: lines that begin with ``$ `` are commands (a trailing backslash continues one), the
  lines below a command are what it prints. ``…`` on a line of its own stands for any lines, inside a line
  for any characters. A command without lines below it may print what it likes. Every command must succeed.
- ``pycon`` blocks: as :mod:`doctest` reads them, ``...`` standing for anything.
- ``python`` blocks: whole programs.

``jsonl`` and ``yaml`` blocks are read, ``yaml`` as one document. ``bash`` and ``text`` blocks are not run:
``bash`` holds what needs a network, an accelerator, a clean machine or this very test suite.

``<!-- example: slow -->`` before a block marks its page as slow.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from _pytest.mark.structures import ParameterSet

import rote
from rote.harness_ext.settings import DEFAULT_VARIANTS
from rote.perturb import load_source
from rote.perturb.authored import AuthoredTemplate

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if not path.is_relative_to(ROOT / ".venv")
)
pytestmark = pytest.mark.skipif(
    not (ROOT / "README.md").exists(), reason="the documentation is in the source tree only"
)

FENCE = re.compile(
    r"^(?P<fence>```+)(?P<language>[a-z]*)\n(?P<body>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
SLOW = "<!-- example: slow -->"
RUN = ("console", "pycon", "python", "jsonl", "yaml")
NOT_RUN = ("bash", "text")
LINK = re.compile(r"!?\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
LOCAL_PATH = re.compile(r"(?<![\w.])/(?:work|tmp|home|root|Users|mnt|opt)\b")
SECONDS = 300


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, what it is, what it holds."""

    line: int
    language: str
    body: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, match.start()) + 1, match["language"], match["body"])
        for match in FENCE.finditer(text)
    ]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def with_examples() -> list[ParameterSet]:
    """Pages that hold anything to run."""
    found = []
    for page in PAGES:
        if any(block.language in RUN for block in blocks(page)):
            slow = SLOW in page.read_text(encoding="utf-8")
            found.append(pytest.param(page, id=name(page), marks=[pytest.mark.slow] if slow else []))
    return found


def commands(body: str) -> list[tuple[str, str]]:
    """(command, what it is shown to print) pairs of a ``console`` block."""
    found: list[tuple[str, list[str]]] = []
    continued = False
    for line in body.splitlines():
        if continued:
            command, shown = found.pop()
            found.append((f"{command}\n{line}", shown))
        elif line.startswith("$ "):
            found.append((line[2:], []))
        else:
            assert found, f"no command before {line!r}"
            found[-1][1].append(line)
            continue
        continued = line.endswith("\\")
    return [(command, "\n".join(shown)) for command, shown in found]


def pattern(shown: str) -> re.Pattern[str]:
    """What is shown, as a pattern for what is printed."""
    lines = [
        r"(?:[^\n]*\n)*"
        if line.strip() == "…"
        else re.escape(line.rstrip()).replace("…", r"[^\n]*") + r"[ ]*\n"
        for line in shown.splitlines()
    ]
    return re.compile("".join(lines))


def run_console(block: Block, folder: Path) -> None:
    scripts = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": scripts + os.pathsep + os.environ["PATH"],
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "PYTHONUTF8": "1",
    }
    environment.pop("ROTE_GSM8K", None)
    for command, shown in commands(block.body):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"line {block.line}: {command}\n{done.stdout[-4000:]}"
        printed = done.stdout.rstrip("\n") + "\n"
        matches = not shown.strip() or pattern(shown).fullmatch(printed) is not None
        assert matches, f"line {block.line}: {command}\nshown:\n{shown}\nprinted:\n{printed[-4000:]}"


def run_doctest(block: Block, names: dict[str, object]) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    example = doctest.DocTestParser().get_doctest(block.body, names, f"line {block.line}", None, 0)
    said: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=flags).run(example, out=said.append, clear_globs=False)
    names.update(example.globs)
    assert outcome.attempted > 0
    assert outcome.failed == 0, "".join(said)


@pytest.mark.parametrize("page", with_examples())
def test_examples(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(page):
        if block.language == "console":
            run_console(block, tmp_path)
        elif block.language == "pycon":
            run_doctest(block, names)
        elif block.language == "python":
            exec(compile(block.body, f"{name(page)}:{block.line}", "exec"), {})
        elif block.language == "jsonl":
            for line in block.body.splitlines():
                assert isinstance(json.loads(line), dict)
        elif block.language == "yaml":
            assert yaml.safe_load(block.body) is not None


@pytest.mark.parametrize("page", PAGES, ids=name)
class TestPage:
    def test_every_block_says_what_it_is(self, page: Path) -> None:
        generated_or_older = {"CONTRIBUTING.md"}
        for block in blocks(page):
            if name(page) not in generated_or_older:
                assert block.language in RUN + NOT_RUN, f"line {block.line}: {block.language!r}"

    def test_links_lead_somewhere(self, page: Path) -> None:
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        for match in LINK.finditer(text):
            target, _, anchor = match["target"].partition("#")
            if re.match(r"[a-z]+:", target):
                assert target.startswith("https://"), match[0]
                continue
            file = (page.parent / target).resolve() if target else page
            assert file.exists(), match[0]
            assert file.is_relative_to(ROOT), match[0]
            if anchor:
                assert anchor in anchors(file), match[0]

    def test_no_path_of_one_machine(self, page: Path) -> None:
        found = LOCAL_PATH.search(page.read_text(encoding="utf-8").replace("/path/to", ""))
        assert found is None, found


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    found = set()
    for line in FENCE.sub("", page.read_text(encoding="utf-8")).splitlines():
        if heading := re.match(r"#{1,6} (.*)", line):
            plain = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(plain.replace(" ", "-"))
    return found


def test_pages_are_found() -> None:
    assert {"README.md", "CHANGELOG.md", "docs/templates.md", "docs/guide-evaluation.md"} <= set(
        map(name, PAGES)
    )


def test_pages_are_linked() -> None:
    """Every page can be reached from the README."""
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        for match in LINK.finditer(page.read_text(encoding="utf-8")):
            target = match["target"].partition("#")[0]
            if ":" in target or not target:
                continue
            place = (page.parent / target).resolve()
            waiting += place.glob("*.md") if place.is_dir() else [place] if place.suffix == ".md" else []
    assert [name(page) for page in PAGES if page.resolve() not in {p.resolve() for p in seen}] == []


def test_the_template_shown_is_the_banks() -> None:
    """docs/templates.md shows jam_jars.yaml with comments added, and nothing else changed."""
    [shown] = [
        b.body for b in blocks(ROOT / "docs" / "templates.md") if b.language == "yaml" and "id: " in b.body
    ]
    bank = Path(rote.__file__).parent / "perturb" / "bank" / "templates" / "jam_jars.yaml"
    text = bank.read_text(encoding="utf-8")
    assert yaml.safe_load(shown) == yaml.safe_load(text)
    without = [re.sub(r"\s{2,}# .*$", "", line) for line in shown.splitlines()]
    assert without == text.splitlines()


def test_quotations_of_the_bank() -> None:
    """What the README quotes in its table of variants stands in an instance of the template that it names."""
    template = load_source("bank").template("bank/jam_jars")
    table = re.findall(
        r'^\| `(\w+)` \|.*\| "(.+?)" \|$', (ROOT / "README.md").read_text(encoding="utf-8"), re.M
    )
    assert [variant for variant, _ in table] == list(template.variants[1:])
    for variant, quotation in table:
        text = quotation.removesuffix(" …")
        assert any(text in template.problem(variant, seed, 0).question for seed in (0, 1)), (variant, text)


def test_counts_of_the_bank() -> None:
    bank = [t for t in load_source("bank").templates.values() if isinstance(t, AuthoredTemplate)]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    extended = sum("p1" in t.variants for t in bank)
    assert f"the bank's {len(bank)} originals" in readme
    assert f"each of the {extended} templates that have such clauses" in readme
    assert f"| {sum(len(t.spec.noop) for t in bank)}, each with a stated reason" in readme
    guide = (ROOT / "docs" / "guide-evaluation.md").read_text(encoding="utf-8")
    each = f"{len(bank) * DEFAULT_VARIANTS} each | {len(bank)}"
    assert f"| `bank_names`, `bank_numbers`, `bank_symbolic` | {each} |" in guide
    assert f"| `bank_p1`, `bank_p2` | {extended * DEFAULT_VARIANTS} each | {extended} |" in guide


def test_a_wrong_output_is_noticed(tmp_path: Path) -> None:
    run_console(Block(1, "console", "$ printf 'a\\nb\\nc'\na\n…\nc\n"), tmp_path)
    with pytest.raises(AssertionError, match="line 7"):
        run_console(Block(7, "console", "$ echo 12\n13\n"), tmp_path)
    with pytest.raises(AssertionError, match="line 8"):
        run_console(Block(8, "console", "$ false\n"), tmp_path)


def test_changelog_names_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text or f"## [{rote.__version__}]" in text
