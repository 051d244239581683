"""The lint of imported templates: what ``rote check`` asks of an instance, as far as foreign text allows.

Grammar and plausibility are not asked for: the words are their authors'.
"""

from __future__ import annotations

from collections.abc import Iterator

from rote.answers import is_correct
from rote.errors import RoteError
from rote.perturb.apple.load import Imported
from rote.perturb.apple.template import AppleTemplate
from rote.perturb.check import Finding, Summary
from rote.problem import Problem
from rote.rational import format_number


def check_imported(imported: Imported, *, draws: int = 100) -> Summary:
    """Look at ``draws`` instances of each variant: golds, the grader, repeats, text left over from a slot."""
    findings: list[Finding] = []
    count = 0
    for template in imported.templates.values():
        for variant in template.variants:
            try:
                drawn = list(template.instances(variant, 0, min(draws, template.capacity(variant))))
            except RoteError as error:
                findings.append(Finding(template.id, "draw", f"{variant}: {error}"))
                continue
            count += len(drawn)
            findings += _of_variant(template, drawn)
    return Summary(len(imported.templates), count, tuple(findings), None)


def _of_variant(template: AppleTemplate, drawn: list[Problem]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for problem in drawn:
        gold = format_number(problem.answer)
        if not is_correct(problem.solution, problem.answer):
            yield Finding(template.id, "grader", f"the solution does not earn {gold}", problem.id)
        if problem.answer <= 0:
            yield Finding(template.id, "answer", f"{gold} is not positive", problem.id)
        if "{" in problem.question or "}" in problem.question:
            yield Finding(template.id, "text", "a slot is left in the question", problem.id)
        first = seen.setdefault(problem.question, problem.id)
        if first != problem.id:
            yield Finding(template.id, "repeat", f"the question of {first}", problem.id)
