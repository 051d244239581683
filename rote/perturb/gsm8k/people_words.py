"""What the recogniser of people knows: a table of first names, and closed lists of the words around them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from rote.errors import DataError
from rote.perturb.values import Gender

_TABLE: Final = Path(__file__).with_name("known_names.tsv")

Usage = Literal["female", "male", "either"]
#: What else the capitalised word often is; such a name needs stronger evidence than others.
Note = Literal["", "word", "month", "place"]


class KnownName(NamedTuple):
    """A row of the table: the gender that pronouns for the name take, and what else the word may be."""

    name: str
    usage: Usage
    note: Note


@cache
def known_names() -> dict[str, KnownName]:
    """The table, by name. Raises DataError naming the line that is not ``name, gender, note``."""
    rows: dict[str, KnownName] = {}
    for line, row in enumerate(_TABLE.read_text(encoding="utf-8").splitlines(), start=1):
        if not row or row.startswith("#"):
            continue
        cells = row.split("\t")
        if len(cells) != 3 or cells[1] not in get_args(Usage) or cells[2] not in get_args(Note):
            expected = "name, female|male|either, note (empty, word, month or place)"
            raise DataError(f"expected {expected}; got {row!r}", path=_TABLE, line=line)
        if cells[0] in rows:
            raise DataError(f"the name {cells[0]!r} stands twice", path=_TABLE, line=line)
        rows[cells[0]] = KnownName(cells[0], cells[1], cells[2])  # type: ignore[arg-type]
    return rows


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PRONOUNS: Final[dict[str, Gender]] = {
    **dict.fromkeys(("she", "her", "hers", "herself"), "female"),
    **dict.fromkeys(("he", "him", "his", "himself"), "male"),
}
GENERIC_PRONOUNS: Final = re.compile(r"\b(?:s?he|him|his|hers?)(?: or |/)(?:s?he|him|his|hers?)\b", re.I)


_PLURALS: Final = (("y", "ies"), ("man", "men"), ("fe", "ves"))


def _with_plurals(text: str) -> frozenset[str]:
    """The nouns with the plurals that English makes of them; a plural that is no word does no harm."""
    return frozenset(
        form
        for noun in text.split()
        for form in (noun, noun + "s", *(re.sub(a + "$", b, noun) for a, b in _PLURALS))
    )


_FEMALE: Final = _with_plurals(
    "mother mom mum mama mommy grandmother grandma granny grammy nana sister stepsister daughter "
    "granddaughter aunt auntie niece wife girlfriend bride girl woman lady fiancee fiancée queen "
    "princess waitress actress stepmother saleswoman businesswoman nun goddess witch mrs ms miss "
    "madam widow schoolgirl cheerleader ballerina"
)
_MALE: Final = _with_plurals(
    "father dad daddy papa grandfather grandpa gramps brother stepbrother son grandson uncle nephew "
    "husband boyfriend groom boy man guy gentleman fiancé king prince waiter actor stepfather salesman "
    "businessman mr sir fisherman policeman fireman mailman wizard priest pastor schoolboy"
)
NOUNS: Final[dict[str, Gender]] = {
    **dict.fromkeys(_FEMALE, "female"),
    **dict.fromkeys(_MALE, "male"),
}
#: People whom a pronoun of either gender may mean.
NEUTRAL: Final = _set(
    "friend cousin teacher student neighbor neighbour boss manager customer baby kid child toddler "
    "teenager doctor nurse coach owner driver farmer partner spouse sibling parent grandparent person "
    "someone somebody everyone employee worker clerk cashier roommate classmate colleague coworker "
    "player opponent patient client dr chef professor principal tutor trainer librarian infant "
    "dentist vet lawyer judge twin captain dog cat puppy kitten horse pony cow calf bunny pet mentor "
    "tenant landlord runner writer author babysitter nanny instructor conductor singer musician "
    "artist president mayor governor officer agent reporter"
)
PERSON_NOUNS: Final = _set(
    "friends cousins teachers students neighbors kids children siblings twins people players "
    "classmates roommates couple employees workers brothers sisters boys girls men women sons "
    "daughters triplets grandchildren"
)
ANIMALS: Final = _set(
    "dog cat puppy kitten horse pony cow bull calf rabbit bunny hamster gerbil fish goldfish turtle "
    "tortoise parrot bird hen rooster goat sheep lamb pig piglet mouse rat snake lizard iguana frog "
    "donkey mule llama alpaca duck goose elephant giraffe lion tiger bear monkey chimp gorilla whale "
    "dolphin shark seal penguin dragon unicorn robot doll panda kangaroo zebra wolf fox poodle "
    "beagle chicken hare setter retriever labrador rottweiler terrier husky boa duckling mutt hound "
    "gecko alligator crocodile spider ant bee snail pup planet hurricane storm"
)
#: Words that show whose, or which, somebody or something is.
OWNERS: Final = _set("the a an his her their my our")
DAYS: Final = _set("monday tuesday wednesday thursday friday saturday sunday")
MONTHS: Final = _set("january february march april may june july august september october november december")
#: Words that a sentence may begin with directly before a name, and that a slip of the pen may resemble.
OPENERS: Final = (
    DAYS
    | MONTHS
    | _set(
        "if when while whenever after before since because once as and but or so then than that this "
        "these those there their them they today yesterday tomorrow tonight later now does did do can "
        "could will would should shall may must is was are were has had have for with without to from by "
        "let given suppose assuming assume supposing say how what where who whose which why every each "
        "until till unless although though however finally instead like unlike both either neither only "
        "even initially originally together next afterwards afterward thus therefore hence also calculate "
        "find determine help in on at of about during between among including meanwhile altogether still "
        "knowing considering last first second half twice thrice one two three four five six seven eight "
        "nine ten some any all most many much more here it its his her he she you your we our i the a an "
        "not no just yet except besides despite upon over under around whereas unfortunately luckily "
        "fortunately suddenly currently eventually previously recently additionally consequently "
        "sometimes usually normally typically earlier soon per according compared seeing using taking "
        "counting out into through throughout against within across near behind excluding combined same "
        "another other others back well wait let's be being been nor"
    )
)
TITLES: Final = _set(
    "mr mrs ms miss dr st prof sir mt ft jr sr saint lord lady king queen prince princess president "
    "captain professor doctor coach"
)
KIN_TITLES: Final = _set("uncle aunt auntie cousin farmer grandma grandpa grandmother grandfather")
#: Proper nouns that somebody may own without the two making one longer name.
OWNED: Final = (
    DAYS
    | MONTHS
    | _set(
        "tv tvs cd cds dvd dvds english math maths spanish french science history chinese german "
        "geography biology algebra physics chemistry christmas halloween easter thanksgiving valentine "
        "instagram facebook youtube netflix suv iq gpa"
    )
)
#: Capitalised words that a slip of the pen may resemble and that are nobody.
NOT_NAMES: Final = OWNED | _set(
    "texas china paris france spain mars canada amazon walmart apple america miami boston chicago "
    "london park june jeans jean martian marine mayor walnut christian italian american pizza candy "
    "store farm class team"
)
#: Names whose word is capitalised often enough in the middle of a sentence to be nobody's name there.
COMMON: Final = _set(
    "Art Candy Summer Autumn Will Amber Dawn Forest Star Sterling Storm Daisy Rose Lily Violet Ginger "
    "Olive Cherry Pearl Ruby Crystal Hope Faith Joy Grace Harmony Trinity Justice Chance Guy Precious "
    "Lovely Jolly Sunny Miles Myrtle Laurel Willow Clay Reed Del Van Castor Marina Brook Page Skye "
    "Nova Sol Merry Misty"
)
#: Words that may begin a clause with a capital where a full stop was forgotten.
CONJUNCTIONS: Final = _set("if when how then after and but so what does did while since on in because for")
BINDING: Final = _set("in at near into inside around towards toward across through outside")
PLACE_NOUNS: Final = _set(
    "street avenue road school elementary park city lake river hotel county university college high "
    "island beach shoes jerseys brand"
)
MODAL_AFTER: Final = _set(
    "the there it they he she we you i this that these those his her their its my any all"
)
SKIPPED: Final = _set(
    "also then only now just already still never always usually first currently recently actually "
    "initially finally typically normally decided later each both and who"
)
BASES: Final = _set(
    "add agree answer ask bake borrow bring build buy call can carry catch charge charter check "
    "choose clean climb collect color complete cook count create cut cycle dance decide deposit "
    "design dig do donate draw drink drive earn eat enjoy enter estimate exercise feed fill find "
    "finish fish fix fold follow gain get give go grow harvest hate have help hike hire hold hunt "
    "invest invite is jog join jump keep knit know lay lead leave lend lift like listen live lose "
    "love make manage mix move mow must need notice offer open order owe own pack paint pay peel pick "
    "plan plant play pour practice prepare print promise pull purchase put raise read receive record "
    "remember rent repair ride run save saw scored score sell send serve sew shovel sign sing skip "
    "sleep smoke spend split start stay stop study swim take taught teach tell think throw trade "
    "train travel try type use visit volunteer walk want was wash watch water wear weigh win wish "
    "work wrap write would could should will did see show say come seem challenge bet guess host "
    "attend fly feel require exchange return set pass hear smell snack reach divide share spill drop "
    "break hide step begin become turn look bike commute tip text skate sleeps head hurt average "
    "wonder possess stack stuff log compose chew perform discover meditate memorize"
)
VERBS: Final = frozenset(
    form
    for base in BASES
    for form in (
        base,
        base + "s",
        base + "es",
        base + "ed",
        base + "d",
        base + base[-1] + "ed",
        base[:-1] + "ies",
        base[:-1] + "ied",
    )
) | _set(
    "has had bought brought built caught chose came cut dug drank drove ate fed felt found got gave "
    "went grew held kept knew laid led left lent lost made met paid ran read rode said sang saw sent "
    "slept sold spent stood swam took taught thought told threw understood wore won wrote woke began "
    "broke flew forgot heard"
)
DATING: Final = _set(
    "in of by on until till since last next from through before during this every late early mid"
)
#: Words that a subject follows.
BEFORE_SUBJECT: Final = _set("and if when does did that than while because as but so")
#: Verbs that a month, a flower or a dollar bill can have too.
LIFELESS: Final = _set(
    "is was has had will would can could should starts start started cost costs grows weighs"
)
ASKING: Final = _set("does did do can will would should could must has had is was")
#: Families of names that one person may go by.
SHORT_FORMS: Final = [
    _set(family)
    for family in (
        "Mike Michael Mikey Mickey Micheal",
        "Bill Billy William Will Willy Willie",
        "Bob Bobby Rob Robby Robert Robbie Robi",
        "Jim Jimmy James",
        "Tony Anthony Antonio",
        "Dave David Davey",
        "Steve Steven Stephen Stevie",
        "Liz Lizzy Lizzie Elizabeth Eliza Liza",
        "Beth Elizabeth",
        "Betty Elizabeth",
        "Kate Katie Katy Kathy Katherine Catherine Kathryn Kathleen Cathy",
        "Dan Danny Daniel",
        "John Johnny Jon Jonathan Johny Jonny",
        "Rick Ricky Richard Rich Richie",
        "Jen Jenny Jennifer Jennie",
        "Meg Megan Maggie Margaret Peggy Marge",
        "Sue Susan Susie Suzie Suzy Suzanne",
        "Becky Rebecca Becca",
        "Nate Nathan Nathaniel",
        "Zach Zack Zachary",
        "Ed Eddie Edward Eddy",
        "Ted Teddy Theodore Theo",
        "Joe Joey Joseph",
        "Nick Nicholas Nicky",
        "Vicky Vicki Victoria Vikki",
        "Abby Abigail",
        "Sandy Sandra",
        "Mandy Amanda",
        "Trish Tricia Patricia Patty Pat",
        "Drew Andrew Andy",
        "Jake Jacob",
        "Hank Henry",
        "Charlie Charles Chuck Charley",
        "Chris Christina Christine Christopher Christy Tina",
        "Maddie Maddy Madison Madeline",
        "Larry Lawrence",
        "Jerry Gerald Jeremy",
        "Phil Phillip Philip",
        "Lexie Lexi Alexis Alexa Alexandra Alex",
        "Josie Josephine Jo",
        "Frank Frankie Francis",
        "Gabby Gabrielle",
    )
]
ABOUT_LETTERS: Final = re.compile(
    r"alphabetical|\b(?:letters?|vowels?|consonants?|syllables?)\b[^.?!]{0,60}\bnames?\b"
    r"|\bnames?\b[^.?!]{0,60}\b(?:letters?|vowels?|consonants?|syllables?|initials?|rhymes?|spelled|spelt|spells?)\b"
    r"|\bnames?\b[^.?!]{0,40}\b(?:start|begin|end)(?:s|ing)?\s+(?:with|in)\b|\bnames?\s+(?:start|begin)s?\b"
    r"|\binitials\b|first letter|\bnamed after\b|\bshort for\b|palindrome|anagram|\bmonogram",
    re.I,
)
