"""What holds for every number and every text, not only for the examples."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rote.answers import REASONS, STAGES, extract, grade, is_correct
from rote.rational import format_number, parse_number, read_quantity
from rote.steps import ExpressionError, evaluate, find_equations, rederive

#: A loaded machine is no fault of the grader: time is measured in benchmarks/, never asserted here.
UNTIMED = settings(deadline=None)

RATIONALS = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6)
INTEGERS = st.integers(-(10**12), 10**12)

#: Ways to commit to an answer; each has one hole.
COMMITMENTS = (
    "<answer>{}</answer>",
    "<reasoning>1 + 1 = 2</reasoning>\n<answer>\n{}\n</answer>",
    "\\boxed{{{}}}",
    "We get $\\boxed{{{}}}$.",
    "#### {}",
    "2 + 2 = 4\n####{}",
    "The answer is {}.",
    "**Final answer:** {}",
    "The answer is: **{}**",
    "<think>is it 3? #### 4</think>\n#### {}",
    "#### {}\n\nQ: Ana has 3 hats. How many?\nA: #### 3",
    "#### 41\nThat is wrong. Again:\n#### {}",
)


def grouped(value: int, separator: str) -> str:
    return f"{value:,}".replace(",", separator)


def integer_styles(value: int) -> list[str]:
    """How people and models write an integer."""
    minus = "-" if value < 0 else ""
    size = abs(value)
    return [
        f"{value}",
        f"{value}.0",
        f"{value} clips",
        f"{value} cm^2",
        grouped(value, ","),
        grouped(value, "{,}"),
        grouped(value, "\u202f"),
        grouped(value, "\\,"),
        f"{minus}${size}",
        f"$-{size}" if minus else f"${size}",
        f"{minus}${size:,}.00",
        f"{value} dollars",
        f"USD {value}",
        f"{value}€",
        f"{value}%",
        f"{value} percent",
        f"${value}$" if not minus else f"$\\text{{{value}}}$",
        f"{value}e0",
        f"{value} x 10^0",
        f"{value} \\times 10^{{0}}",
        f"x = {value}",
        f"7 * 6 = {value}",
        f"≈ {value}",
        f"{value} ({value})",
        f"{minus or ''}{size}".replace("-", "−"),
        "".join(chr(0xFF10 + int(c)) if c.isdigit() else c for c in str(value)),
    ]


def rational_styles(value: Fraction) -> list[str]:
    minus, size = ("-" if value < 0 else ""), abs(value)
    whole, part = divmod(size, 1)
    styles = [
        format_number(value),
        f"{value.numerator}/{value.denominator}",
        f"{minus}\\frac{{{size.numerator}}}{{{size.denominator}}}",
        f"{minus}\\dfrac{{{size.numerator}}}{{{size.denominator}}}",
        f"x = {minus}{size.numerator}/{size.denominator}",
    ]
    if whole and part:
        styles.append(f"{minus}{whole} {part.numerator}/{part.denominator}")
        styles.append(f"{minus}{whole}\\frac{{{part.numerator}}}{{{part.denominator}}}")
    return styles


@UNTIMED
@given(st.fractions())
def test_machine_form_round_trip(value: Fraction) -> None:
    assert parse_number(format_number(value)) == value


@UNTIMED
@given(RATIONALS)
def test_canonical_text_is_read_as_people_do(value: Fraction) -> None:
    assert read_quantity(format_number(value)).value == value


@UNTIMED
@given(INTEGERS, st.sampled_from(COMMITMENTS), st.data())
def test_an_integer_in_any_style_is_found_in_any_commitment(
    value: int, frame: str, data: st.DataObject
) -> None:
    style = data.draw(st.sampled_from(integer_styles(value)))
    assert extract(frame.format(style)).value == value


@UNTIMED
@given(RATIONALS, st.sampled_from(COMMITMENTS), st.data())
def test_a_rational_in_any_style_is_found_in_any_commitment(
    value: Fraction, frame: str, data: st.DataObject
) -> None:
    style = data.draw(st.sampled_from(rational_styles(value)))
    assert extract(frame.format(style)).value == value


@UNTIMED
@given(RATIONALS, RATIONALS, st.sampled_from(COMMITMENTS))
def test_correct_means_equal(value: Fraction, gold: Fraction, frame: str) -> None:
    assert is_correct(frame.format(format_number(value)), gold) is (value == gold)


@UNTIMED
@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.sampled_from(
        [
            "{} or {}",
            "{} / or {}",
            "either {} or {}",
            "between {} and {}",
            "{} and {}",
            "{}-{}",
            "{} to {}",
            "{}, {}",
            "{}; {}",
            "{} – {}",
            "{} vs {}",
            "{} | {}",
            "{} {}",
            "{} or maybe {}",
            "x = {} or x = {}",
            "x = {}, y = {}",
            "{} eggs and {} eggs",
            "({}, {})",
            "{} (or {})",
            "from {} to {}",
            "**{}** or **{}**",
            "{} \\text{{ or }} {}",
        ]
    ),
    st.sampled_from(
        ["#### {}", "The answer is {}.", "<answer>{}</answer>", "\\boxed{{{}}}", "It is {}.", "{}"]
    ),
)
def test_two_alternatives_never_earn_credit(one: int, other: int, pair: str, frame: str) -> None:
    assume(one != other)
    response = frame.format(pair.format(one, other))
    assert not is_correct(response, one)
    assert not is_correct(response, other)


@UNTIMED
@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.sampled_from(["#### {}", "<answer>{}</answer>", "\\boxed{{{}}}"]),
    st.sampled_from(["\n", " ", "\n\n", " or ", "\nor\n", " and ", ", "]),
)
def test_two_adjacent_commitments_never_earn_credit(one: int, other: int, frame: str, glue: str) -> None:
    assume(one != other)
    response = frame.format(one) + glue + frame.format(other)
    assert not is_correct(response, one)
    assert not is_correct(response, other)


@UNTIMED
@given(
    st.integers(0, 10**6),
    st.sampled_from(["<answer>{}", "\\boxed{{{}", "<think>the answer is {}", "<reasoning>{}"]),
)
def test_what_was_never_closed_never_earns_credit(value: int, frame: str) -> None:
    assert not is_correct(frame.format(value), value)


FRAGMENTS = st.sampled_from(
    [
        *(
            "#### ",
            "\n",
            "<answer>",
            "</answer>",
            "\\boxed{",
            "}",
            "<think>",
            "</think>",
            "<reasoning>",
            "18",
            "20",
        ),
        *(
            "1,000",
            "3:30",
            "1/2",
            "½",
            "$",
            "%",
            "-",
            " or ",
            "=",
            "x",
            "The answer is ",
            "Actually no, ",
            "\n\nQ: ",
        ),
        *(
            "A: ",
            "?",
            ".",
            "**",
            "(",
            ")",
            "10^",
            "e9",
            "seventy",
            "-two",
            "half",
            " and ",
            "million",
            "\\frac{1}{2}",
        ),
        *(
            "\\frac{",
            "{,}",
            "\u2009",
            "<<1+1=2>>",
            "<<",
            "I cannot answer",
            "not ",
            "<|im_end|>",
            "\ud800",
            "\x00",
        ),
    ]
)
HOSTILE = st.one_of(
    st.text(max_size=300),
    st.text(st.characters(), max_size=60),
    st.lists(FRAGMENTS, max_size=30).map("".join),
    st.binary(max_size=100).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)


@settings(max_examples=400, deadline=None)
@given(HOSTILE)
def test_any_text_is_graded(text: str) -> None:
    verdict = grade(text, "18")
    found = verdict.extraction
    assert (found.value is None) is (found.reason is not None)
    assert found.reason is None or found.reason in REASONS
    assert found.value is None or found.stage in STAGES
    assert found.span is None or 0 <= found.span[0] <= found.span[1] <= len(text)
    assert not verdict.correct or found.value == 18


@settings(max_examples=300, deadline=None)
@given(HOSTILE, st.sampled_from(["", " ", "\n", "  \n\n"]), st.sampled_from(["", " ", "\n", "\n  \n"]))
def test_white_space_around_changes_nothing(text: str, before: str, after: str) -> None:
    bare, dressed = extract(text.strip()), extract(before + text.strip() + after)
    assert (bare.quantity, bare.stage, bare.reason) == (dressed.quantity, dressed.stage, dressed.reason)


@UNTIMED
@given(HOSTILE)
def test_any_text_is_searched_for_equations(text: str) -> None:
    for equation in find_equations(text):
        assert equation.correct is (equation.value == equation.rhs)
    rederive(text)


@UNTIMED
@given(st.text(alphabet="0123456789+-*/().% $,x×", max_size=40))
def test_any_expression_has_a_value_or_an_error(text: str) -> None:
    try:
        value = evaluate(text)
    except (ExpressionError, ZeroDivisionError):
        return
    assert isinstance(value, Fraction)


@UNTIMED
@given(st.integers(-999, 999), st.integers(-999, 999), st.sampled_from("+-*/"))
def test_an_equation_that_holds_is_found_right_and_one_that_does_not_wrong(a: int, b: int, sign: str) -> None:
    assume(not (sign == "/" and b == 0))
    exact = {"+": Fraction(a + b), "-": Fraction(a - b), "*": Fraction(a * b)}.get(sign) or (
        Fraction(a, b) if sign == "/" else Fraction(0)
    )
    text = f"<<({a}){sign}({b})={exact.numerator}/{exact.denominator}>>"
    (right,) = find_equations(text)
    (wrong,) = find_equations(text.replace("=", "=1+"))
    assert right.correct
    assert not wrong.correct
