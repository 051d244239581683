"""A question read for inert clauses: places, people, things, tense, settings."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

from rote.perturb import load_source
from rote.perturb.gsm8k import ItemTemplate, load
from rote.perturb.gsm8k.people import PersonMentions
from rote.perturb.noop.nouns import nouns
from rote.perturb.noop.reading import Cut, Reading, read
from rote.perturb.noop.sentences import split
from rote.perturb.noop.tagging import tag_text
from rote.perturb.noop.words import CLASSES


def parts(question: str) -> list[str]:
    return [question[start:end] for start, end in split(question)]


def cut_before(question: str, words: str) -> Cut | None:
    offset = question.index(words)
    return next((cut for cut in read(question).cuts if cut.offset == offset), None)


def place(question: str, words: str) -> Cut:
    found = cut_before(question, words)
    assert found is not None, f"no place before {words!r}"
    return found


# -- sentences -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence",
    [
        "Mrs. Okafor walks from St. Anne's to Dr. Brandt.",
        "The train leaves at 7 p.m. on Friday.",
        "A ribbon of 2.5 metres costs $3.75.",
        "She waits... and Waits.",
        'The sign says "Open daily. Come in." in red.',
        "The shop (No. 12. It is small.) sells tea.",
        "If a jar holds 4 plums, how many plums do 6 jars hold?",
    ],
)
def test_one_sentence_stays_whole(sentence: str) -> None:
    assert parts(sentence) == [sentence]


def test_sentences_end_where_a_reader_ends_them() -> None:
    assert parts("Pia buys 3. He sells 4!  Is it 5 p.m.? It was 5 p.m. She left.\nSo what?") == [
        "Pia buys 3.",
        "He sells 4!",
        "Is it 5 p.m.?",
        "It was 5 p.m.",
        "She left.",
        "So what?",
    ]


def test_tokens_lie_where_they_say() -> None:
    text = "Doesn’t Ida's twenty-one $5 tickets cost 1,050.50? They do."
    for token in tag_text(text):
        assert text[token.start : token.end] == token.text
        assert token.lemma == token.lemma.lower()
    assert {t.text for t in tag_text(text) if t.tag == "CRD"} == {"twenty-one", "5", "1,050.50"}


def test_tags_do_not_depend_on_what_was_read_before() -> None:
    texts = [f"Lena glorbs {n} snarfles near the bright pond." for n in range(20)]
    first = [tag_text(text) for text in texts]
    tag_text.cache_clear()
    assert [tag_text(text) for text in reversed(texts)] == first[::-1]


# -- places --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "following",
    [
        "Then she sells 4 pens.",
        "She then sells 4 pens.",
        "Ida also sells 4 pens.",
        "After that Ida sells 4 pens.",
        "The rest are green.",
        "They cost $2 in all.",
        "4 of them are green.",
        "4 are green and new.",
        "3 more pens come by post.",
        "Ida puts them into a drawer.",
        "Ida sells half of those.",
        "On that day Ida sells 4 pens.",
        "Two days later Ida sells 4 pens.",
        "Ida walks there on foot.",
        "Ida likes the first one.",
        "Each has a cap.",
        "While Bo has 4 pens.",
    ],
)
def test_no_place_before_what_goes_on_from_the_sentence_before(following: str) -> None:
    assert cut_before(f"Ida has 9 pens. {following} How many pens does Ida have left?", following) is None


@pytest.mark.parametrize(
    "asked", ["How many are left?", "How much is left?", "What is the total?", "How many did they sell?"]
)
def test_no_place_before_a_question_that_leaves_out_what_it_asks_for(asked: str) -> None:
    assert cut_before(f"Ida has 9 pens and loses 2 pens. {asked}", asked) is None


@pytest.mark.parametrize(
    "following",
    [
        "If a pen breaks when it falls, how many pens does Ida need?",
        "How long does it take Ida to sell the pens?",
        "There are 4 green pens among the others on the table, so how many pens are blue?",
        "Each of the pens costs $2, and Ida sells 4 pens; what do these pens bring in?",
    ],
)
def test_words_that_refer_within_their_sentence_hinder_nothing(following: str) -> None:
    assert cut_before(f"Ida has 9 pens. {following}", following) is not None or "Each of" in following


def test_what_a_question_asks_for_is_not_what_its_pronoun_means() -> None:
    question = "Two friends play with sticks. Nine sticks are red. How many sticks do they have?"
    assert cut_before(question, "How many") is None


@pytest.mark.parametrize(
    ("words", "object_"), [("after these sales", False), ("at the end of this time", True)]
)
def test_what_points_past_the_sentence_before_hinders_things(words: str, object_: bool) -> None:
    question = f"Emma makes sales. Daniel works for 6 weeks. How many pens has Daniel {words}?"
    assert place(question, "Daniel works").object is object_


def test_there_that_is_a_place_and_there_that_is_none() -> None:
    assert cut_before("Ida has 9 pens. On Monday there are 8 pens. Who has one?", "On Monday") is not None
    assert cut_before("Ida has 9 pens. The shop there is old. Who is Ida?", "The shop") is None


def test_days_are_not_those_who_they_are() -> None:
    question = (
        "The office gets 90 letters. On Monday and Tuesday they answer 40 letters. Who answers the rest?"
    )
    assert cut_before(question, "On Monday") is None


def test_nothing_goes_behind_a_condition_or_the_question() -> None:
    question = "Ida owns 9 pens. If Bo owns 4 pens. How many pens does Ida own? Ida is old."
    assert [cut.sentence for cut in read(question).cuts] == [0, 1]


def test_only_plain_spaces_make_a_place() -> None:
    assert cut_before("Ida owns 9 pens.\nBo owns 4 pens. How many pens does Ida own?", "Bo") is None
    assert cut_before("At 5:30 Ida buys pens. Bo owns 4 pens. How many pens does Ida own?", "Bo") is not None
    assert cut_before("Ida buys: pens. Bo owns 4 pens. How many pens does Ida own?", "Bo") is None


def test_places_are_named_by_where_they_are() -> None:
    cuts = read("Ida has 9 pens. Bo has 4 pens. How many pens does Ida have?").cuts
    assert [cut.position for cut in cuts] == ["start", "mid_text", "before_question"]
    assert [cut.sentence for cut in cuts] == [0, 1, 2]


# -- people --------------------------------------------------------------------------------------------


def test_a_loose_pronoun_keeps_newcomers_out() -> None:
    question = "Emma has 9 pens. She sells 4 pens. How many pens does Emma have?"
    cut = place(question, "She")
    assert (cut.newcomer, cut.object, cut.people) == (False, True, frozenset({"Emma"}))
    assert place(question, "How").newcomer


def test_whom_a_pronoun_could_mean_is_not_named() -> None:
    question = "Emma and Laura buy pens. Laura has 9 pens. She sells 4 pens. How many pens has Emma?"
    assert place(question, "She sells").people == frozenset()
    assert place(question, "How").people == {"Emma", "Laura"}


def test_the_other_gender_may_be_named_beside_a_pronoun() -> None:
    question = "Emma and Daniel buy pens. Daniel has 9 pens. She sells 4 pens. How many pens has Emma?"
    assert place(question, "She sells").people == {"Emma", "Daniel"}


def test_at_the_start_only_whom_the_first_sentence_begins_with() -> None:
    assert place("Emma sees Daniel in town. Who is tall?", "Emma").people == {"Emma"}
    assert place("In town Emma sees Daniel. Who is tall?", "In town").people == frozenset()


def test_an_animal_is_nobody() -> None:
    assert read("Bella is a brown poodle. Bella eats 9 biscuits. How many are left?").people == ()
    assert [p.name for p in read("Emma has 9 pens. How many pens has Emma?").people] == ["Emma"]


def test_people_whom_the_caller_knows_need_no_recognising() -> None:
    question = "Zrinko has 9 pens. He sells 4 pens. How many pens has Zrinko?"
    assert read(question).people == ()
    spans = tuple((at, at + 6) for at in (0, question.rindex("Zrinko")))
    reading = read(question, (PersonMentions("Zrinko", "male", spans),))
    assert [cut.people for cut in reading.cuts] == [{"Zrinko"}] * 3


# -- things --------------------------------------------------------------------------------------------


def things(question: str) -> list[tuple[str, str, str, int, bool]]:
    return [(t.one, t.many, t.kind, int(t.value), t.alone) for t in read(question).things]


def test_a_counted_noun_is_a_thing() -> None:
    question = "Emma puts twelve red berries and 3 loaves into a bag. How many berries does Emma eat?"
    first, second = read(question).things
    assert (first.one, first.many, first.kind, first.value) == ("berry", "berries", "food", Fraction(12))
    assert question[slice(*first.count)] == "twelve"
    assert (second.one, second.many, second.alone) == ("loaf", "loaves", True)


@pytest.mark.parametrize(
    "sentence",
    [
        "Emma buys 12 red pens and 5 green pens.",
        "Emma puts 12 pens into each box.",
        "Emma wants 12 pens.",
        "Emma sells 12 pens a day.",
        "Every box holds 12 pens.",
        "Emma drinks milk and uses 12 pens of her own a week.",
        "Emma and Bo buy 34 and 22 pens.",
        "Three of the boxes have 12 pens.",
        "Emma has 12 pens. Bo has twice as many.",
        "Emma has 12 pens. Bo buys 3 times that number.",
        "Emma has 12 pens. Emma buys some more pens.",
    ],
)
def test_a_noun_that_may_mean_others_too_is_not_alone(sentence: str) -> None:
    assert not any(alone for *_, alone in things(f"{sentence} How heavy is Emma?"))


@pytest.mark.parametrize(
    "sentence",
    [
        "Emma runs 3 times as many miles as Bo.",
        "Emma has 5 more pens than Bo.",
        "Emma eats 4 hot dogs.",
        "Emma has at least 7 pens.",
        "Emma teaches grade 5 students.",
        "Emma pays $8 pens.",
        "Emma owns 9 glorbs.",
        "Emma rides to Five Flags.",
    ],
)
def test_what_is_no_plain_count_of_a_known_noun_is_no_thing(sentence: str) -> None:
    assert not [t for t in things(sentence) if t[2] in ("object", "animal", "person", "measure")]


def test_the_table_of_nouns_is_sorted_and_of_known_classes() -> None:
    table = nouns()
    assert list(table) == sorted(table)
    assert {noun.kind for noun in table.values()} == set(CLASSES)
    assert all(
        noun.many != noun.one or noun.kind in ("animal", "measure", "currency") for noun in table.values()
    )


# -- the story -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "tense"),
    [
        ("Emma bought 9 pens. Daniel gave Emma 4 pens. How many pens does Emma have?", "past"),
        ("Emma buys 9 pens. Daniel gives Emma 4 pens. How many pens did Emma get?", "present"),
        ("Emma has 9 pens. Daniel gave Emma 4 pens. How many pens does Emma have?", "mixed"),
    ],
)
def test_the_tense_is_that_of_the_story(question: str, tense: str) -> None:
    assert read(question).tense == tense


@pytest.mark.parametrize(
    ("question", "settings"),
    [
        ("Emma buys 9 pens at a shop.", {"shop"}),
        ("Emma takes the school bus to the post office.", set()),
        ("Emma bakes 3 cakes in the kitchen of a farm.", {"kitchen", "farm"}),
    ],
)
def test_settings_come_from_where_things_happen(question: str, settings: set[str]) -> None:
    assert read(question).settings == settings


def test_modern_stories_and_others() -> None:
    assert read("Emma buys a king size bed for $300. How much is left?").modern
    assert not read("The king owns 9 horses. How many horses are old?").modern
    assert not read("A dragon eats 9 apples a day. How many apples are that?").modern
    assert not read("The sum of two numbers is 30. What is the larger?").modern


def test_lemmas_are_generous_and_those_asked_apart() -> None:
    reading = read("Emma baked nine cakes. How many cakes were sold?")
    assert {"emma", "bake", "baked", "cake", "cakes", "sell", "sold"} <= reading.lemmas
    assert {"cake", "many", "sell"} <= reading.asked
    assert "emma" not in reading.asked


@pytest.mark.parametrize("question", ["", " ", "?", '"', "$", "1.", "…\n\n(", "He"])
def test_no_text_is_too_odd(question: str) -> None:
    assert isinstance(read(question), Reading)


def test_the_bank_has_places() -> None:
    readings = [
        read(template.problem("original", 0, 0).question)
        for template in load_source("bank").templates.values()
    ]
    assert sum(bool(r.cuts) for r in readings) >= 0.9 * len(readings)
    assert all(r.modern for r in readings)


DATA = Path(os.environ.get("ROTE_GSM8K") or Path(__file__).resolve().parents[4] / "shared" / "gsm8k")


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "test.jsonl").exists(), reason="GSM8K is not here: set ROTE_GSM8K")
def test_nearly_every_accepted_item_has_a_place() -> None:
    templates = [t for t in load("test", DATA) if isinstance(t, ItemTemplate)]
    readings = [read(template.facts.question) for template in templates]
    usable = [r for r in readings if any(c.position != "start" or c.object for c in r.cuts)]
    assert len(usable) >= 0.97 * len(readings)
