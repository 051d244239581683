"""The compiled plan against its plain meaning, over random problems."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from rote.perturb import codegen, expressions
from rote.perturb.plan import Noun, Number, Plan, Step
from rote.perturb.texts import parse_text
from rote.perturb.values import NumberKind, Person, Quantity

PEOPLE = (Person("Aino", "female"), Person("Tunde", "male"), Person("Mette", "female"))
KINDS: tuple[NumberKind, ...] = ("integer", "money", "percent", "fraction", "decimal")
TENTHS = [Fraction(n, 10) for n in range(1, 60)]
THIRDS = [Fraction(a, b) for a in range(1, 5) for b in (2, 3, 4, 7)]


@st.composite
def numbers(draw: st.DrawFn, name: str) -> Number:
    kind = draw(st.sampled_from(KINDS))
    pool: st.SearchStrategy[Fraction] = st.integers(1, 40).map(Fraction)
    if kind in ("money", "decimal"):
        pool = st.sampled_from(TENTHS)
    elif kind == "fraction":
        pool = st.sampled_from(THIRDS)
    values = draw(st.lists(pool, min_size=1, max_size=4, unique=True))
    return Number(name, kind, tuple(values))


def expression(names: list[str]) -> st.SearchStrategy[str]:
    leaf = st.one_of(st.sampled_from(names), st.sampled_from(["2", "3", "0.5", "100"]))
    return st.recursive(
        leaf,
        lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        max_leaves=4,
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    variables = [draw(numbers(name)) for name in ("a", "b", "c")]
    known = [v.name for v in variables]
    steps = []
    for i in range(draw(st.integers(1, 3))):
        text = draw(expression(known).filter(lambda t: any(sign in t for sign in "+-*/")))
        calc = expressions.parse(text, names=frozenset(known))
        name = f"s{i}"
        known.append(name)
        shown = parse_text(
            "It is {{ eq }}, {{ a }} {braces} 'n'.", names=frozenset([*known, "eq"]), field="t"
        )
        steps.append(Step(name, calc, draw(st.sampled_from(KINDS)), shown))
    conditions = []
    for _ in range(draw(st.integers(0, 2))):
        sign = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
        left, right = draw(expression(known)), draw(expression(known))
        text = f"{left} {sign} {right}"
        if draw(st.booleans()):
            text = f"not ({text}) or {draw(st.sampled_from(known))} % {draw(st.sampled_from(known))} == 0"
        conditions.append((text, expressions.parse(text, names=frozenset(known), condition=True)))
    nouns = (
        Noun("p", PEOPLE, draw(st.sampled_from([None, PEOPLE[0]]))),
        Noun("q", draw(st.sampled_from([PEOPLE, PEOPLE[:1]]))),
    )
    sentences = tuple(
        parse_text(source, names=frozenset(["a", "b", "c", "p", "q"]), field="t")
        for source in (
            '{{ p }} has {{ a|plain }} \\ "and" {{ b }}.',
            "{{ q|he|cap }} {brings} {{ c }}{% if 1 %}!{% endif %}",
        )
    )
    different = draw(st.sampled_from([None, Fraction(1), Fraction(3, 2)]))
    return Plan(
        tuple(variables), nouns, tuple(conditions), tuple(steps), steps[-1].name, different, sentences
    )


@settings(max_examples=250, deadline=None)
@given(plans())
def test_compiled_and_plain_agree(plan: Plan) -> None:
    at, _, accepts = codegen.compile_plan(plan)
    space = 1
    for size in plan.sizes:
        space *= size
    for position in range(0, space, max(1, space // 60)):
        values = plan.decode(position)
        drawn = at(position)
        refused = plan.refusal(values)
        assert (drawn is None) == (refused is not None), (position, refused)
        assert bool(accepts(position)) == (drawn is not None)
        if drawn is None:
            continue
        solved = plan.solve({n: v.value for n, v in values.items() if isinstance(v, Quantity)})
        assert drawn.answer == solved[plan.answer]
        parts = [
            "".join(p if isinstance(p, str) else p.render(values) for p in text) for text in plan.sentences
        ]
        assert drawn.question == " ".join(parts)
        assert drawn.solution.endswith(f"#### {drawn.solution.rsplit('#### ', 1)[1]}")
        assert Fraction(drawn.solution.rsplit("#### ", 1)[1]) == drawn.answer
        assert "{braces} 'n'" in drawn.solution
