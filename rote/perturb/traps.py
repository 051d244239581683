"""The answers of a reader who lets the inert number into the arithmetic.

Families of traps, with A the answer and k the inert number: A + k, A - k, A * k, A / k; the answer
recomputed with an attached number n replaced by n + k or n - k; each earlier step's result plus or
minus k, pushed through the rest of the chain. A trap is positive, is not A, and is as clean as an answer
of its kind where it can be: whole where the answer counts things, else whole in hundredths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from rote.perturb.emit_numbers import NumberWriter, Scaled
from rote.perturb.plan import Plan
from rote.perturb.values import PLACES
from rote.problem import Trap
from rote.rational import format_number

#: The answer's numerator and denominator when the number or step of that name has the value top / bottom;
#: None where a step then divides by zero or less.
Replay = Callable[[str, int, int, Sequence[Fraction]], "tuple[int, int] | None"]


def compile_replay(plan: Plan) -> Replay:
    """Compile a plan's steps to integer code in which any one value can be put in another's place."""
    writer = NumberWriter(plan)
    for i, number in enumerate(plan.numbers):
        writer.line(f"v = values[{i}]")
        writer.line(
            f"n{i}, m{i} = (top, bottom) if name == {number.name!r} else (v.numerator, v.denominator)"
        )
        writer.scaled[number.name] = Scaled(f"n{i}", f"m{i}")
    for i, step in enumerate(plan.steps):
        # the step itself, even if it is replaced: a guard that fails there means a broken story anyway
        result = writer.expression(step.calc)
        writer.line(f"s{i}, r{i} = {result.numerator}, {result.denominator}")
        writer.line(f"if name == {step.name!r}: s{i}, r{i} = top, bottom")
        writer.scaled[step.name] = Scaled(f"s{i}", f"r{i}")
    answer = writer.scaled[plan.answer]
    writer.line(f"return {answer.numerator}, {answer.denominator}")
    namespace = writer.constants
    # our own identifiers and integers, names as repr()-quoted text: nothing from a file runs
    exec(
        compile("\n".join(["def replay(name, top, bottom, values):", *writer.lines]), "<rote>", "exec"),
        namespace,
    )
    replay: Replay = namespace["replay"]
    return replay


def traps(
    plan: Plan, replay: Replay, known: Mapping[str, Fraction], k: Fraction, attaches: Sequence[str]
) -> tuple[Trap, ...]:
    """Distinct traps of one instance, the likeliest first; ``how`` says how each arises.

    ``known`` holds every number and step of the instance (:meth:`Plan.solve`).
    """
    answer = known[plan.answer]
    kind = next(step.kind for step in plan.steps if step.name == plan.answer)
    found: dict[Fraction, str] = {}
    for top, bottom, how in _candidates(plan, replay, known, answer, k, attaches):
        if bottom > 0 and top > 0 and top * 100 % bottom == 0:
            value = Fraction(top, bottom)
            if value != answer:
                found.setdefault(value, how)
    # whole answers tempt with whole traps; k in cents may leave none of them
    whole = {value: how for value, how in found.items() if value.denominator == 1}
    chosen = whole if PLACES[kind] == 0 and whole else found
    return tuple(Trap(value, how) for value, how in chosen.items())


def _candidates(
    plan: Plan,
    replay: Replay,
    known: Mapping[str, Fraction],
    answer: Fraction,
    k: Fraction,
    attaches: Sequence[str],
) -> Iterator[tuple[int, int, str]]:
    text = format_number(k)
    values = [known[number.name] for number in plan.numbers]
    a, b, c, d = answer.numerator, answer.denominator, k.numerator, k.denominator
    yield a * d - c * b, b * d, f"answer - {text}"
    yield a * d + c * b, b * d, f"answer + {text}"
    steps = [step.name for step in plan.steps if step.name != plan.answer]
    for what, name in (*(("number", n) for n in attaches), *(("step", n) for n in steps)):
        n, m = known[name].numerator, known[name].denominator
        for sign, top in (("-", n * d - c * m), ("+", n * d + c * m)):
            if top > 0:
                result = replay(name, top, m * d, values)
                if result is not None:
                    yield *result, f"{what} {name} {sign} {text}"
    yield a * c, b * d, f"answer * {text}"
    yield a * d, b * c, f"answer / {text}"
