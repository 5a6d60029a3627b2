"""Sentences rendered from templates with names of people, places and organisations, whose every entity is known.

The templates are the same on all sides, and the names are not: no first name, surname, place or word of an organisation
stands on two sides, so that a model has to know names, or to read what is said of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from datasets import Dataset, DatasetDict, Features, Value

from tlzoo.data.dataset import table
from tlzoo.data.files.conll import Entities, Entity, Sentence, words_of
from tlzoo.data.protocol import SPLITS, VTAB

FIRST = """
Alice Amir Ana Andrew Anita Arthur Beatrice Boris Carla Carlos Catherine Charles Chen Claire Daniel David Diana
Dmitri Edith Elena Emma Eric Esther Fatima Felix Francis Frank Gabriel George Grace Hana Harold Helen Henry Hugo Ian
Irene Isabel Ivan Jack James Jane Javier Joan John Jorge Joseph Judith Julia Karen Karl Kenji Laura Leo Linda Louis
Lucia Maria Marco Mark Martin Mary Michael Miguel Mina Nadia Nancy Nathan Nina Noah Olga Oliver Omar Oscar Patricia
Paul Peter Philip Priya Rachel Ravi Rebecca Richard Robert Rosa Ruth Samuel Sandra Sara Sergei Simon Sofia Stella
Stephen Susan Thomas Tomas Valerie Vera Victor Walter William Yuki Yusuf Zoe
"""
LAST = """
Adams Ahmed Alvarez Anderson Baker Barnes Becker Bell Bennett Berg Bianchi Brooks Brown Campbell Carter Castro
Clarke Cohen Collins Cooper Costa Cruz Davies Diaz Dubois Edwards Evans Ferrari Fischer Fletcher Flores Foster
Garcia Gomez Gonzalez Gray Green Gupta Haas Hall Hansen Harris Hayes Hoffmann Holmes Hughes Hussein Ivanov Jackson
Jensen Johnson Jones Kaya Keller Kelly Khan Kim King Klein Kovacs Kumar Larsen Lee Lewis Lopez Martinez Mendez Meyer
Miller Mitchell Moore Morales Morgan Morris Murphy Nakamura Nelson Nguyen Novak Olsen Ortiz Parker Patel Perez
Petrov Phillips Popov Ramos Reed Richter Rivera Roberts Robinson Rossi Russo Sanchez Sato Schmidt Scott Shah Silva
Singh Smith Suzuki Taylor Thompson Torres Turner Vargas Wagner Walker Ward Weber White Wilson Wright Yamada Yilmaz
Young Zhang
"""
PLACES = """
Amsterdam, Argentina, Athens, Atlanta, Auckland, Austria, Baghdad, Bangkok, Barcelona, Beijing, Belgium, Berlin,
Bogota, Bolivia, Boston, Brazil, Brussels, Bucharest, Budapest, Buenos Aires, Bulgaria, Cairo, California, Canada,
Cape Town, Chicago, Chile, Colombia, Copenhagen, Croatia, Cuba, Dallas, Delhi, Denmark, Detroit, Dresden, Dublin,
Ecuador, Egypt, Estonia, Ethiopia, Finland, Florence, Florida, France, Geneva, Germany, Ghana, Glasgow, Greece,
Hamburg, Hanoi, Havana, Helsinki, Hong Kong, Houston, Hungary, Iceland, India, Indonesia, Iran, Ireland, Istanbul,
Italy, Jakarta, Japan, Jerusalem, Kenya, Kuwait, Lagos, Lebanon, Lima, Lisbon, Lithuania, Liverpool, London, Los
Angeles, Madrid, Malaysia, Manchester, Melbourne, Mexico City, Miami, Milan, Montreal, Morocco, Moscow, Mumbai,
Munich, Nairobi, Naples, Nepal, New York, New Zealand, Nigeria, Norway, Oslo, Pakistan, Panama, Paris, Peru, Poland,
Portugal, Prague, Quebec, Riga, Rio de Janeiro, Rome, Russia, San Francisco, Santiago, Saudi Arabia, Scotland,
Seattle, Seoul, Serbia, Shanghai, Singapore, South Africa, Spain, Stockholm, Sweden, Switzerland, Sydney, Taiwan,
Texas, Thailand, Tokyo, Toronto, Tunisia, Turkey, Uganda, Ukraine, Uruguay, Vancouver, Venice, Vienna, Vietnam,
Warsaw, Zagreb, Zurich
"""
FIRMS = """
Acorn Alder Anchor Apex Arrow Aspen Atlas Aurora Beacon Birch Bluebird Bramble Bridge Cardinal Castle Cedar Chestnut
Cobalt Comet Compass Copper Coral Crescent Crown Crystal Delta Diamond Dolphin Eagle Eclipse Elm Ember Evergreen
Falcon Fern Forge Fountain Garnet Glacier Granite Harbour Harvest Hawthorn Hazel Heron Horizon Iris Ivory Jade
Juniper Kestrel Keystone Lantern Laurel Liberty Lighthouse Lotus Magnet Maple Meridian Meteor Mill Mosaic Nova Oak
Olive Onyx Orbit Orchard Orion Osprey Otter Panther Pearl Phoenix Pine Pioneer Prairie Prism Quartz Raven Redwood
Ridge Ruby Saffron Sapphire Sequoia Sierra Silver Sparrow Spruce Sterling Summit Swift Tide Titan Topaz Tulip Union
Vega Velvet Violet Willow Zenith
"""
KINDS = """
Airlines, Bank, Books, Energy, Foods, Foundation, Group, Holdings, Insurance, Labs, Motors, Pharma, Records,
Software
"""
TEMPLATES = """
{person} was born in {place} and moved to {place} as a child .
{org} said on Tuesday that {person} will lead its office in {place} .
The film was shot in {place} , where {person} grew up .
Shares of {org} fell after a report by {org} .
{person} and {person} met at a conference in {place} last summer .
I bought the tickets from {org} and they never arrived .
Does anybody know whether {org} still delivers to {place} ?
Heavy rain closed the roads around {place} on Friday .
{person} , who works for {org} , declined to comment .
The committee asked {person} for a report by the end of March .
A spokesman of {org} said that nobody was hurt .
According to {person} , prices in {place} have doubled since January .
The train from {place} to {place} was an hour late again .
My neighbour {person} paints birds and sells them online .
{org} and {org} agreed to share a warehouse near {place} .
"It was the best concert of the year" , wrote {person} .
The recipe needs two eggs , a cup of flour and some patience .
Please send the form before Monday , or call the office .
The bridge is closed for repairs until the end of the month .
Students of {person} collected old maps of {place} .
Nobody at {org} answered the phone all weekend .
She joined {org} in 2014 and left for {org} four years later .
Police in {place} are looking for a man called {person} .
The museum shows letters that {person} wrote to {person} .
What a match : {place} beat {place} by three goals to two .
Thanks to {person} for the photographs .
We spent a week in {place} and it never stopped raining .
The new phone of {org} is cheaper than the old one .
The grass was wet , so the game began an hour late .
Mr {last} thanked Mrs {last} , and the meeting ended .
Fans of {last} waited in front of the hotel .
Flights to {place} were cancelled , a manager of {org} said .
""".strip().split("\n")
_CLASSES = {"person": "person", "last": "person", "place": "location", "org": "organisation"}
_GAP = re.compile(r"\{(\w+)\}")
_SHARES = {"train": 0.45, "validation": 0.15, "test": 0.4}


def rendered_names() -> DatasetDict:
    """Sentences, VTAB sized, in the columns of token classification; no two of a split are the same."""
    sides = [_sides(_names(text)) for text in (FIRST, LAST, PLACES, FIRMS)]
    return DatasetDict({split: _rendered(split, *(words[split] for words in sides)) for split in SPLITS})


def _names(text: str) -> list[str]:
    return [" ".join(name.split()) for name in (text.split(",") if "," in text else text.split())]


def _sides(words: Sequence[str]) -> dict[str, list[str]]:
    """Words of each split, none of them on two sides."""
    order = [words[i] for i in np.random.default_rng(len(words)).permutation(len(words))]
    ends = [round(share * len(words)) for share in (0, *np.cumsum(list(_SHARES.values())))]
    return {split: order[first:end] for split, (first, end) in zip(_SHARES, pairwise(ends), strict=True)}


def _rendered(split: str, *words: Sequence[str]) -> Dataset:
    rng = np.random.default_rng(SPLITS.index(split))
    sentences: dict[str, Sentence] = {}
    while len(sentences) < getattr(VTAB, split):
        sentence = _sentence(f"{split} {len(sentences) + 1}", rng, *words)
        sentences.setdefault(sentence.text, sentence)
    texts = list(sentences.values())
    entities = Entities(texts)
    targets = [entities.of(i, None).columns for i in range(len(texts))]
    own = {"group": Value("string"), "id": Value("string")}
    features = Features({"text": Value("string"), **entities.features, **own})
    names = [text.name for text in texts]
    columns = {name: [target[name] for target in targets] for name in targets[0]}
    return table(features, {"text": [text.text for text in texts], **columns, "group": names, "id": names})


def _sentence(
    name: str,
    rng: np.random.Generator,
    first: Sequence[str],
    last: Sequence[str],
    places: Sequence[str],
    firms: Sequence[str],
) -> Sentence:
    """One template with names in its gaps; some people go by one name, some organisations are of a place."""

    def one(words: Sequence[str]) -> str:
        return words[int(rng.integers(len(words)))]

    def filled(gap: str) -> str:
        if gap == "person":
            return one(first) if rng.random() < 0.2 else f"{one(first)} {one(last)}"
        if gap == "org":
            if rng.random() < 0.2:
                return f"University of {one(places)}"
            return f"{one(firms)} {one(_names(KINDS))}" if rng.random() < 0.7 else one(firms)
        return one(last if gap == "last" else places)

    parts: list[str] = []
    entities: list[Entity] = []
    length = 0
    for i, part in enumerate(_GAP.split(one(TEMPLATES))):
        text = filled(part) if i % 2 else part
        if i % 2:
            entities.append(Entity(length, length + len(text), _CLASSES[part]))
        parts.append(text)
        length += len(text)
    whole = "".join(parts)
    return Sentence(name, whole, words_of(whole), entities)
