"""Items in GSM8K's shape, all text our own: each is about one rule of the symboliser."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from rote.perturb.gsm8k import ItemTemplate, Rejection, load


class Item(NamedTuple):
    """A question and its worked solution."""

    question: str
    solution: str

    @property
    def record(self) -> dict[str, str]:
        """The item as a line of the data set holds it."""
        return {"question": self.question, "answer": self.solution}


def build(item: Item) -> ItemTemplate | Rejection:
    """One item, symbolised; of the train split, which has no curated facts."""
    found: ItemTemplate | Rejection = load("train", records=[(1, item.record)], cache=False)[0]
    return found


def template(name: str) -> ItemTemplate:
    """The template of an item that is accepted."""
    found = build(ITEMS[name])
    assert isinstance(found, ItemTemplate), f"{name}: {found}"
    return found


def code(item: Item) -> str:
    """The reason code of an item that is rejected."""
    found = build(item)
    assert isinstance(found, Rejection), f"accepted: {item.question}"
    return found.code


def span(item: ItemTemplate, text: str, nth: int = 0) -> tuple[int, int]:
    """The span of the nth place where ``text`` stands in the question on its own."""
    question = item.facts.question
    at = -1
    for _ in range(nth + 1):
        at = question.index(text, at + 1)
    return at, at + len(text)


def frozen(item: ItemTemplate) -> dict[str, str]:
    """Text and reason of the numbers that may not change (the last of equal texts)."""
    return {item.facts.mentions[i].text: why for i, why in item.facts.frozen.items()}


def free(item: ItemTemplate) -> list[str]:
    """The texts of the numbers that may change, in order."""
    question = item.facts.question
    return [question[number.start : number.end] for number in item.numbers]


def change(item: ItemTemplate, **values: Fraction | int | str) -> Fraction | None:
    """:meth:`answer` with numbers named ``n0``, ``n1`` … by their tie."""
    changes = {
        (number.start, number.end): Fraction(values[f"n{number.tie}"])
        for number in item.numbers
        if f"n{number.tie}" in values
    }
    return item.answer(changes)


ITEMS = {
    "plums": Item(
        "Marisol fills 14 crates with 25 plums each. She gives 60 plums to her aunt. "
        "How many plums does Marisol keep?",
        "The crates hold 14 * 25 = <<14*25=350>>350 plums.\n"
        "Marisol keeps 350 - 60 = <<350-60=290>>290 plums.\n#### 290",
    ),
    "fish": Item(
        "Oskar's pond has 48 carp. Oskar sells 17 carp to Dimitri, and Dimitri's cat eats 5 of his carp. "
        "How many more carp does Oskar have than Dimitri?",
        "Oskar has 48 - 17 = <<48-17=31>>31 carp left.\n"
        "Dimitri has 17 - 5 = <<17-5=12>>12 carp.\n"
        "Oskar has 31 - 12 = <<31-12=19>>19 carp more than Dimitri.\n#### 19",
    ),
    "possessive": Item(
        "Thomas' shed stores 36 rakes. Thomas buys 15 rakes, then gives 9 rakes away. "
        "How many rakes are in Thomas' shed?",
        "With the new ones Thomas' shed stores 36 + 15 = <<36+15=51>>51 rakes.\n"
        "In the end it stores 51 - 9 = <<51-9=42>>42 rakes.\n#### 42",
    ),
    "discount": Item(
        "A lamp costs $80. In the sale Ingrid gets 15% off its price. How much does Ingrid pay?",
        "The sale takes off $80 * 0.15 = $<<80*0.15=12>>12.\n"
        "Ingrid pays $80 - $12 = $<<80-12=68>>68.\n#### 68",
    ),
    "discount_left": Item(
        "A sofa costs $400. In the sale it is 15% off. How much is the sofa in the sale?",
        "In the sale it is $400 * 0.85 = $<<400*0.85=340>>340.\n#### 340",
    ),
    "increase": Item(
        "A village had 600 people. It grew by 20%. How many people live in the village now?",
        "Now 600 * 1.2 = <<600*1.2=720>>720 people live there.\n#### 720",
    ),
    "share": Item(
        "A choir has 60 singers, and 35% of them are altos. How many singers are not altos?",
        "Altos are 60 * 35 / 100 = <<60*35/100=21>>21 singers.\n"
        "The others are 60 - 21 = <<60-21=39>>39 singers.\n#### 39",
    ),
    "percents": Item(
        "Of 800 letters 30% are red, 45% are green, and the rest are white. How many letters are white?",
        "Red and green are 30 + 45 = <<30+45=75>>75 percent.\n"
        "White are 100 - 75 = <<100-75=25>>25 percent.\n"
        "That is 800 * 25 / 100 = <<800*25/100=200>>200 letters.\n#### 200",
    ),
    "cents": Item(
        "A bun costs $1.25 and a tart costs $2.50. Femi buys 6 buns and 4 tarts. How much does Femi pay?",
        "The buns cost 6 * $1.25 = $<<6*1.25=7.50>>7.50.\n"
        "The tarts cost 4 * $2.50 = $<<4*2.50=10.00>>10.00.\n"
        "Femi pays $7.50 + $10.00 = $<<7.50+10.00=17.50>>17.50.\n#### 17.50",
    ),
    "commas": Item(
        "A mill ground 12,500 pounds of rye in May and 9,300 pounds of rye in June. "
        "How many pounds did it grind in both months?",
        "It ground 12,500 + 9,300 = <<12500+9300=21800>>21,800 pounds.\n#### 21,800",
    ),
    "words": Item(
        "Twenty-four pupils plant eight bulbs each. Then a storm ruins fifteen bulbs. "
        "How many bulbs are left?",
        "They plant 24 * 8 = <<24*8=192>>192 bulbs.\n"
        "There are 192 - 15 = <<192-15=177>>177 bulbs left.\n#### 177",
    ),
    "article": Item(
        "Nadia has an 8 foot plank and saws 3 feet off it. She then glues on 16 feet of moulding. "
        "How many feet is it now?",
        "After sawing it is 8 - 3 = <<8-3=5>>5 feet.\nIn the end it is 5 + 16 = <<5+16=21>>21 feet.\n#### 21",
    ),
    "tied": Item(
        "A tent holds 7 scouts. There are 7 tents in the camp. How many scouts fit into the camp?",
        "They fit 7 * 7 = <<7*7=49>>49 scouts.\n#### 49",
    ),
    "restated": Item(
        "Amir bakes 48 rolls and eats 5 rolls. If Amir sells half of the other rolls he still has out of "
        "48 rolls, and drops 3, how many rolls did he not drop or eat?",
        "He has 48 - 5 = <<48-5=43>>43 rolls.\nHe did not drop 43 - 3 = <<43-3=40>>40 rolls.\n#### 40",
    ),
    "half": Item(
        "Lena has 40 shells and paints half of them. She buys 12 more. How many painted shells would she "
        "have, with those 12 painted too?",
        "She paints 40 / 2 = <<40/2=20>>20 shells.\n"
        "Then she has 20 + 12 = <<20+12=32>>32 painted shells.\n#### 32",
    ),
    "fifty": Item(
        "A shop has 90 hats. 50% of the hats are felt, and 20 more felt hats arrive. How many are felt?",
        "Felt are 90 * 0.5 = <<90*0.5=45>>45 hats.\n"
        "Then there are 45 + 20 = <<45+20=65>>65 felt hats.\n#### 65",
    ),
    "fraction": Item(
        "A jug holds 45 ounces. Rosa pours out 2/3 of it and adds 8 ounces. How many ounces are in the jug?",
        "She pours out 45 * 2/3 = <<45*2/3=30>>30 ounces.\n"
        "There are 45 - 30 = <<45-30=15>>15 ounces left.\n"
        "In the end there are 15 + 8 = <<15+8=23>>23 ounces.\n#### 23",
    ),
    "twice": Item(
        "Yusuf ran 6 miles on Monday and twice as many miles on Friday. How many miles did Yusuf run?",
        "On Friday he ran 6 * 2 = <<6*2=12>>12 miles.\nHe ran 6 + 12 = <<6+12=18>>18 miles.\n#### 18",
    ),
    "ordinal": Item(
        "On the 3rd day a hen lays 3 eggs, and 11 eggs were there before. How many eggs are there?",
        "There are 3 + 11 = <<3+11=14>>14 eggs.\n#### 14",
    ),
    "year": Item(
        "A bridge was built in 1950. It has 22 arches of 30 tons, and a statue of 45 tons. "
        "How many tons in all?",
        "The arches are 22 * 30 = <<22*30=660>>660 tons.\n"
        "In all there are 660 + 45 = <<660+45=705>>705 tons.\n#### 705",
    ),
    "anaphora": Item(
        "A cook fries 30 eggs. The two waiters carry 12 eggs away each. How many eggs stay in the kitchen?",
        "They carry 2 * 12 = <<2*12=24>>24 eggs.\nIn the kitchen stay 30 - 24 = <<30-24=6>>6 eggs.\n#### 6",
    ),
    "terms": Item(
        "Three barrels stand in a yard. The barrels hold 20 gallons, 34 gallons and 27 gallons of cider. "
        "How many gallons is that on average?",
        "They hold 20 + 34 + 27 = <<20+34+27=81>>81 gallons.\n"
        "On average 81 / 3 = <<81/3=27>>27 gallons.\n#### 27",
    ),
    "week": Item(
        "Priya knits 9 rows a day. How many rows does Priya knit in 4 weeks?",
        "She knits 9 * 7 = <<9*7=63>>63 rows a week.\n"
        "In 4 weeks she knits 63 * 4 = <<63*4=252>>252 rows.\n#### 252",
    ),
    "hours": Item(
        "A pump runs 6 hours a day and moves 150 liters an hour. How many liters does it move in 11 days?",
        "It moves 6 * 150 = <<6*150=900>>900 liters a day.\n"
        "In 11 days it moves 900 * 11 = <<900*11=9900>>9900 liters.\n#### 9900",
    ),
    "linear": Item(
        "A cord of 110 feet is cut into a short part and a long part. The long part is 30 feet longer "
        "than the short part. How many feet is the short part?",
        "Let x be the short part, in feet.\nThen x + x + 30 = 110, so 2x + 30 = 110.\n"
        "x = <<40=40>>40 feet.\n#### 40",
    ),
    "spoken": Item(
        "A bus carries 52 riders. At the mill 18 riders leave, and 9 riders board. "
        "How many riders are on it?",
        "After the mill there are 52 minus 18 = 34 riders.\n"
        "In the end there are 34 plus 9 = 43 riders.\n#### 43",
    ),
    "aside": Item(
        "A farmer sows 16 rows of 20 beets and 75 leeks. How many plants does the farmer sow?",
        "There are 16 * 20 = <<16*20=320>>320 beets. (A row and its twin would have 20 + 20 = 40 beets.)\n"
        "The farmer sows 320 + 75 = <<320+75=395>>395 plants.\n#### 395",
    ),
    "implicit": Item(
        "Hugo has 14 stamps. Mei has 9 more stamps than Hugo. They buy 18 stamps together. "
        "How many stamps do they have?",
        "Mei has 23 stamps.\nTogether they have 14 + 23 + 18 = <<14+23+18=55>>55 stamps.\n#### 55",
    ),
    "friends": Item(
        "Hugo picks 14 figs, and Mei picks 9 more figs than Hugo. Hugo's mother needs 18 of Hugo's and Mei's "
        "figs. How many figs remain?",
        "Mei picks 14 + 9 = <<14+9=23>>23 figs.\nHugo and Mei pick 14 + 23 = <<14+23=37>>37 figs.\n"
        "There remain 37 - 18 = <<37-18=19>>19 figs.\n#### 19",
    ),
    "again": Item(
        "Kofi has 6 boxes of 40 nuts. He drops 11 nuts. "
        "How many nuts would he have with as many again in bags?",
        "The boxes hold 6 * 40 = <<6*40=240>>240 nuts.\nHe has 240 - 11 = <<240-11=229>>229 nuts.\n"
        "The kernels weigh 229 * 6 = <<229*6=1374>>1374.\n#### 1374",
    ),
    "budget": Item(
        "With a budget of $100, Ravi buys 4 chairs for $15 each and a table for $25. How much does he spend?",
        "The chairs cost 4 * $15 = $<<4*15=60>>60.\nHe spends $60 + $25 = $<<60+25=85>>85.\n#### 85",
    ),
    "swapped": Item(
        "A box has 12 pears and 31 figs. Elif adds 20 figs and eats 8 pears. How many fruits are in the box?",
        "There are 31 + 20 = <<31+20=51>>51 figs.\nThere are 12 - 8 = <<12-8=4>>4 pears.\n"
        "In the box are 51 + 4 = <<51+4=55>>55 fruits.\n#### 55",
    ),
}  # fmt: skip

REJECTED = {
    "no_draw": Item(
        "A jar is 3/4 full of oil, and 0.25 of the jar is vinegar. How full is the jar?",
        "The jar is 3/4 + 0.25 = <<3/4+0.25=1>>1 full.\n#### 1",
    ),
    "no_equations": Item("Ana has 5 pens and buys 7 pens. How many pens has Ana?", "She has 12.\n#### 12"),
    "no_numbers": Item("Some pens lie there. How many pens?", "7 + 5 = <<7+5=12>>12\n#### 12"),
    "false_equation": Item(
        "A rope of 20 feet is cut into 3 parts. How many feet is a part?",
        "20 / 3 = <<20/3=6.67>>6.67\n#### 6.67"
    ),
    "unreadable_expression": Item(
        "Ana has 5 pens and buys 7 pens. How many pens has Ana?", "-5 + 17 = <<-5+17=12>>12\n#### 12"
    ),
    "answer_not_last": Item(
        "Ana has 5 pens and buys 9 pens, Bo has 20 pens. How many pens has Ana?",
        "Ana has 5 + 9 = <<5+9=14>>14 pens.\nBo has 20 - 14 = <<20-14=6>>6 pens more.\n#### 14",
    ),
    "answer_not_computed": Item(
        "Ana has 5 pens and buys 9 pens. How many pens has Ana, of three dozen?",
        "5 + 9 = <<5+9=14>>14\n#### 15"
    ),
    "constant_step": Item(
        "Ana has 50 pens and finds some. How many pens has Ana?",
        "She finds 37 * 41 = <<37*41=1517>>1517 pens.\n"
        "She has 50 + 1517 = <<50+1517=1567>>1567 pens.\n#### 1567",
    ),
    "unexplained_constant": Item(
        "Ana has 50 pens and gives away some. How many pens has Ana?",
        "She has 50 - 37 = <<50-37=13>>13 pens.\n#### 13"
    ),
    "same_number_twice": Item(
        "A square board has a side of 9 inches. What is its area in square inches?",
        "The area is 9 * 9 = <<9*9=81>>81 square inches.\n#### 81",
    ),
    "unused_result": Item(
        "Ana has 5 pens and buys 9 pens, Bo has 20 pens and loses 3. How many pens has Ana?",
        "Bo has 20 - 3 = <<20-3=17>>17 pens.\nAna has 5 + 9 = <<5+9=14>>14 pens.\n#### 14",
    ),
    "unused_multiplier": Item(
        "Ana has 15 pens and triple as much ink. She buys 19 pens. How many pens has Ana?",
        "She has 15 + 19 = <<15+19=34>>34 pens.\n#### 34",
    ),
    "unused_fraction": Item(
        "Ana has 15 pens, and 2/7 of them are old. She buys 19 pens. How many pens has Ana?",
        "She has 15 + 19 = <<15+19=34>>34 pens.\n#### 34",
    ),
    "unused_percent": Item(
        "Ana has 15 pens, and 40% of them are old. She buys 19 pens. How many pens has Ana?",
        "She has 15 + 19 = <<15+19=34>>34 pens.\n#### 34",
    ),
    "nothing_free": Item(
        "One pen lies there, and half a box of them comes. How many come from 1 box of a dozen pens?",
        "12 / 2 = <<12/2=6>>6\n#### 6",
    ),
    "result_not_positive": Item(
        "Ana has 20 pens and gives 4 pens to each of 5 friends. How many pens has Ana left?",
        "She has 20 - 4 * 5 = <<20-4*5=0>>0 pens left.\n#### 0",
    ),
}  # fmt: skip
