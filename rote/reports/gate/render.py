"""A gate's outcome for people and for machines: text, Markdown, step summary, annotations, JSON, JUnit."""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import Final

from rote.reports.compare.text import escape, markdown_table
from rote.reports.fields import one_line, showable
from rote.reports.gate.decide import CheckResult, Outcome
from rote.reports.verdicts import NO_VALUE, p_value, points

SCHEMA: Final = "rote.gate/1"
#: What GitHub takes: characters of a comment, and bytes of a step's summary.
COMMENT_CHARACTERS: Final = 65_536
SUMMARY_BYTES: Final = 1024 * 1024
#: Annotations that a step of GitHub shows of each level.
ANNOTATIONS: Final = 10
#: First line of a comment, by which a workflow finds the one to replace.
MARK: Final = "<!-- rote gate -->"

WORDS: Final = {
    "pass": "PASS",
    "fail": "FAIL",
    "inconclusive": "INCONCLUSIVE",
    "error": "ERROR",
}
HEADER: Final = ("check", "tier", "status", "templates", "baseline", "candidate", "loss [bounds]", "margin")
_MEANING: Final = {
    "pass": "the candidate may replace the baseline",
    "fail": "the candidate is worse than the margin allows",
    "inconclusive": "too few templates to tell",
    "error": "no decision could be made; this is not a failure of the model",
}


def headline(outcome: Outcome) -> str:
    """The decision in a line."""
    return f"rote gate: {WORDS[outcome.status]}: {_MEANING[outcome.status]}"


def detail(r: CheckResult) -> str:
    """What stands behind a check's status, in a sentence."""
    if r.status == "error":
        return r.reason
    told = f"loss {_points(r.loss)} points"
    if r.low is not None:
        told += f", one-sided bounds {_points(r.low)} and {_points(r.high)}"
    told += f", margin {points(r.margin)}, {r.templates:,} templates"
    if r.p_pass is not None and r.p_fail is not None:
        told += f"; Holm-adjusted p {p_value(r.p_pass)} (pass), {p_value(r.p_fail)} (fail)"
    if r.status == "inconclusive" and r.low is not None:
        told += "; needs "
        told += (
            "more templates than can be told" if r.needed is None else f"about {r.needed:,} more templates"
        )
    return told


def row(r: CheckResult) -> tuple[str, ...]:
    """A check's cells under :data:`HEADER`."""
    span = _points(r.loss)
    if r.low is not None:
        span += f" [{_points(r.low)}, {_points(r.high)}]"
    return (
        r.name,
        r.tier,
        WORDS[r.status],
        f"{r.templates:,}",
        NO_VALUE if r.before is None else points(r.before),
        NO_VALUE if r.after is None else points(r.after),
        span,
        points(r.margin),
    )


def _points(value: float | None) -> str:
    return NO_VALUE if value is None else points(value, signed=True)


def render_text(outcome: Outcome) -> str:
    """A table for a terminal, one line for each check that did not pass, and the notes."""
    rows = [HEADER, *(tuple(one_line(c) for c in row(r)) for r in outcome.checks)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # No line begins with text from a log: a CI takes lines that begin with "::" for commands.
    lines = [headline(outcome), f"models: {one_line(outcome.baseline)} → {one_line(outcome.candidate)}", ""]
    lines += ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
    told = [f"{r.name}: {detail(r)}" for r in outcome.checks if r.status != "pass"]
    lines += ["", *(one_line(line, 2000) for line in told)] if told else []
    lines += ["", outcome.live] if outcome.live else []
    lines += [f"note: {one_line(n, 400)}" for n in outcome.notes]
    return "\n".join(lines) + "\n"


def warning_lines(warnings: Sequence[str]) -> list[str]:
    """The reader's warnings for a terminal, one line each."""
    # As above: the path that a warning begins with is not ours.
    return [f"rote gate: warning: {one_line(w, 400)}" for w in warnings]


# --- Markdown --------------------------------------------------------------------------------------


def render_markdown(outcome: Outcome, *, characters: int = COMMENT_CHARACTERS - 1) -> str:
    """A comment of at most so many characters; what is cut off is said in its last line."""
    head = [
        MARK,
        f"## {headline(outcome)}",
        "",
        f"{escape(outcome.baseline)} → {escape(outcome.candidate)}",
        "",
    ]
    order = {"error": 0, "fail": 1, "inconclusive": 2, "pass": 3}
    checks = sorted(outcome.checks, key=lambda r: order[r.status])
    header, rule, *rows = markdown_table(HEADER, [row(r) for r in checks])
    items = [f"- **{escape(r.name)}**: {escape(detail(r))}" for r in checks if r.status != "pass"]
    items += [f"- {escape(outcome.live)}"] if outcome.live else []
    items += [f"- Note: {escape(n)}" for n in outcome.notes]
    items += [f"- Warning: {escape(one_line(w, 400))}" for w in outcome.warnings]
    foot = (
        f"Loss: how much worse the candidate is, in points. Bounds are one-sided, "
        f"{100 * (1 - outcome.alpha):g} % each; statuses carry Holm's correction."
    )
    return _fitted([*head, header, rule], [*rows, "", *items], foot, characters)


def render_summary(outcome: Outcome) -> str:
    """A step's summary: the same, with GitHub's limit in bytes."""
    text = render_markdown(outcome, characters=SUMMARY_BYTES // 4)  # no character has more than 4 bytes
    return text.removeprefix(f"{MARK}\n")


def _fitted(head: Sequence[str], body: Sequence[str], foot: str, limit: int) -> str:
    text = "\n".join([*head, *body, "", foot]) + "\n"
    if len(text) <= limit:
        return text
    kept: list[str] = []
    room = limit - len("\n".join([*head, "", foot])) - 200
    for line in body:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    left = sum(bool(line) for line in body[len(kept) :])
    said = f"**Truncated:** {left:,} more lines do not fit here; the JSON and JUnit files hold all."
    return "\n".join([*head, *kept, "", said, "", foot]) + "\n"


# --- annotations -----------------------------------------------------------------------------------


def workflow_commands(outcome: Outcome) -> list[str]:
    """GitHub workflow commands, one line each; at most ten of a level, the last saying how many are left."""
    levels: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for r in outcome.checks:
        if r.status == "error" or (r.status == "fail" and r.tier != "advisory"):
            level = "error"
        elif r.status == "fail" or (r.status == "inconclusive" and r.tier != "advisory"):
            level = "warning"
        elif r.status == "inconclusive":
            level = "notice"
        else:
            continue
        levels[level].append(_command(level, f"rote gate: {r.name}: {WORDS[r.status]}", detail(r)))
    lines = []
    for level, found in levels.items():
        if len(found) > ANNOTATIONS:
            left = len(found) - ANNOTATIONS + 1
            found = [
                *found[: ANNOTATIONS - 1],
                _command(level, "rote gate", f"{left:,} more are not shown here"),
            ]
        lines += found
    return lines


def error_annotation(message: str) -> str:
    """The annotation of a gate that could not decide."""
    return _command("error", "rote gate: ERROR", message)


def _command(level: str, title: str, message: str) -> str:
    # https://docs.github.com/actions: %, CR and LF are escaped in messages, and : and , in properties.
    def data(text: str) -> str:
        cut = showable(text)[:4000]
        return cut.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    name = data(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{data(message)}"


# --- JSON and JUnit --------------------------------------------------------------------------------


def render_json(outcome: Outcome) -> str:
    """Every number, as fractions."""
    data = {"schema": SCHEMA, "exit_code": outcome.exit_code, **dataclasses.asdict(outcome)}
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def error_json(message: str, exit_code: int) -> str:
    """The JSON form of a gate that could not decide."""
    data = {"schema": SCHEMA, "exit_code": exit_code, "status": "error", "reason": message, "checks": []}
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def render_junit(outcome: Outcome) -> str:
    """JUnit XML: a test case a check. A blocking FAIL is a ``failure``, an ERROR an ``error``.

    A critical INCONCLUSIVE is a ``failure`` of type "inconclusive", since the gate does not pass with it; one
    that does not decide is ``skipped``, and so is an advisory FAIL.
    """
    cases = [(r, _verdict(r)) for r in outcome.checks]
    suite = _suite([v for _, v in cases])
    for r, verdict in cases:
        case = ElementTree.SubElement(
            suite, "testcase", name=_xml(r.name), classname=f"rote.gate.{r.tier}", time="0"
        )
        if verdict is not None:
            child = ElementTree.SubElement(case, verdict, message=_xml(detail(r)))
            if verdict != "skipped":
                child.set("type", r.status)
                child.text = _xml(detail(r))
        ElementTree.SubElement(case, "system-out").text = _xml(f"{WORDS[r.status]}: {detail(r)}")
    return _document(suite)


def error_junit(message: str) -> str:
    """JUnit XML of a gate that could not decide: one case, with an ``error``."""
    suite = _suite(["error"])
    case = ElementTree.SubElement(suite, "testcase", name="gate", classname="rote.gate", time="0")
    ElementTree.SubElement(case, "error", message=_xml(message), type="error").text = _xml(message)
    return _document(suite)


def _verdict(r: CheckResult) -> str | None:
    if r.status == "error":
        return "error"
    if r.status == "pass":
        return None
    blocks = r.tier == "critical" or (r.tier == "supporting" and r.status == "fail")
    return "failure" if blocks else "skipped"


def _suite(verdicts: Sequence[str | None]) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name="rote gate", time="0", tests=str(len(verdicts)))
    for attribute, verdict in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(verdicts.count(verdict)))
    return suite


def _xml(text: str) -> str:
    """Text that XML 1.0 can hold."""
    return "".join(c for c in showable(text)[:20_000] if c not in "\ufffe\uffff")


def _document(suite: ElementTree.Element) -> str:
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
