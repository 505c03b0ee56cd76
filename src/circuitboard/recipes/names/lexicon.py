"""The words and sentence templates of the ``names`` corpus: plain data, no logic but formatting."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    """The words of a block of text, which reads better than a list of quoted ones."""
    return tuple(text.split())


MEN: tuple[str, ...] = _words(
    """Adam Albert Alan Andrew Arthur Ben Bob Brian Carl Charles Chris Colin Daniel David Edward
    Eric Frank Fred George Greg Harry Henry Howard Hugh Ian Jack James Jason Joe John Kevin Leo
    Luke Martin Michael Nick Oliver Oscar Owen Patrick Paul Peter Richard Robert Sam Simon Steve
    Thomas Tim Tom"""
)
WOMEN: tuple[str, ...] = _words(
    """Alice Amy Anna Barbara Beth Carol Cathy Claire Clara Diana Donna Dorothy Ella Ellen Emily
    Emma Eva Fiona Hannah Helen Irene Jane Janet Jessica Joan Julia Karen Kate Laura Linda Lisa
    Lucy Margaret Maria Martha Mary Megan Molly Nancy Nina Nora Olivia Rachel Ruth Sarah Sophie
    Susan Vera Wendy Zoe"""
)
NAMES: tuple[str, ...] = MEN + WOMEN
PLACES: tuple[str, ...] = _words(
    """bank beach castle church farm garden hospital hotel house lake library market museum office
    park restaurant school station store theater"""
)
OBJECTS: tuple[str, ...] = _words(
    """basketball bone book camera coat coin computer drink flower hat kiss letter map necklace
    phone present ring snack ticket watch"""
)
EVENTS: tuple[str, ...] = _words(
    "war siege trial voyage festival drought reign plague strike project"
)
CENTURIES: tuple[str, ...] = tuple(str(c) for c in range(11, 20))
YEARS: tuple[str, ...] = tuple(f"{year:02d}" for year in range(100))

NOUNS: dict[str, str] = {
    word: word + "s"
    for word in _words(
        """key dog farmer teacher doctor car tree boy girl table window lawyer pilot
    cabinet door student"""
    )
}
LINKS: tuple[str, ...] = ("near", "behind", "with", "beside")
SINGULAR_VERBS: tuple[str, ...] = ("is", "was", "has", "walks")
PLURAL_VERBS: tuple[str, ...] = ("are", "were", "have", "walk")

ARGUMENTS: tuple[str, ...] = _words(
    """files size path name value index label width height count limit source colour items first
    last state code user date shape mode offset weight rate scale title text total level"""
)
FUNCTIONS: tuple[str, ...] = ("load", "save", "send", "build", "parse", "merge", "draw", "read")
LIST_WORDS: tuple[str, ...] = _words(
    """river stone cloud bread horse paper music winter silver engine candle forest bottle ladder
    pepper rocket butter island mirror basket copper feather hammer lemon marble needle onion
    pillow rabbit saddle tiger velvet wagon anchor blanket carpet dragon eagle fiddle guitar
    honey jacket kettle lantern meadow napkin orange pencil quilt ribbon shovel tunnel umbrella
    violin whistle yellow zebra acorn beetle cherry"""
)

OPENINGS: tuple[str, ...] = (
    "Then,",
    "Yesterday,",
    "In the end,",
    "Later that day,",
    "In the morning,",
)
# A and B are the two names in order of mention, S the one that is named again.
GIFTS: tuple[str, ...] = (
    "When {A} and {B} went to the {place}, {S} gave a {thing} to",
    "While {A} and {B} were working at the {place}, {S} gave a {thing} to",
    "After {A} and {B} left the {place}, {S} decided to give a {thing} to",
    "When {A} and {B} got a {thing} at the {place}, {S} decided to give it to",
    "Once {A} and {B} arrived at the {place}, {S} passed the {thing} to",
    "{A} and {B} met at the {place}. {S} handed the {thing} to",
    "{A} and {B} went to the {place}, and {S} offered a {thing} to",
    "{A} and {B} had a long argument, and afterwards {S} said to",
    "The {place} was full of people when {A} and {B} arrived, and {S} sold a {thing} to",
    "Friends {A} and {B} found a {thing} at the {place}, and {S} gave it to",
)
# The first part ends where the pronoun is due.
PRONOUNS: tuple[tuple[str, str], ...] = (
    ("{name} went to the {place} because", " wanted a {thing}."),
    ("{name} left the {place} when", " found the {thing}."),
    ("When {name} arrived at the {place},", " had a {thing}."),
    ("{name} said that", " lost a {thing} at the {place}."),
)


def vocabulary() -> tuple[str, ...]:
    """Every word of the corpus once, in a fixed order, without the special tokens."""
    from .corpus import split

    frames = " ".join(
        (
            *OPENINGS,
            *GIFTS,
            *(first + second for first, second in PRONOUNS),
            "The lasted from the year to : ; List again Names Only once",
            'def self param ( ) """ he she in a walk',
        )
    )
    frame_words = [w for w in split(frames) if w not in "{}"]
    frame_words += [w[0].lower() + w[1:] for w in frame_words if w[0].isupper()]
    slots = {"A", "B", "S", "place", "thing", "name", "b", "s"}
    ordered = [
        *NAMES,
        *YEARS,
        *PLACES,
        *OBJECTS,
        *EVENTS,
        *NOUNS,
        *NOUNS.values(),
        *SINGULAR_VERBS,
        *PLURAL_VERBS,
        *LINKS,
        *ARGUMENTS,
        *FUNCTIONS,
        *LIST_WORDS,
        *(w for w in frame_words if w not in slots),
    ]
    return tuple(dict.fromkeys(ordered))
