"""What marks and signs say: warnings, agencies, authors, addresses and numbers, in several scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from flows.demo.paint.noise import Random


class Script(StrEnum):
    """A writing system."""

    LATIN = "latin"
    CYRILLIC = "cyrillic"
    GREEK = "greek"
    HEBREW = "hebrew"
    ARABIC = "arabic"
    ARMENIAN = "armenian"
    GEORGIAN = "georgian"
    DEVANAGARI = "devanagari"
    HAN = "han"
    KANA = "kana"
    HANGUL = "hangul"


@dataclass(frozen=True)
class Alphabet:
    """Letters that a font must have, and how a warning reads."""

    letters: str
    warnings: tuple[str, ...]
    spaced: bool = True


_ENGLISH = """
SAMPLE|PREVIEW|PROOF|COPYRIGHT|DO NOT COPY|DRAFT|WATERMARK|STOCK PHOTO|ALL RIGHTS RESERVED|NOT FOR RESALE|COMP|
UNLICENSED|Sample Image|Preview only|Royalty free|editorial use only|MUSTER|EJEMPLO|SPECIMEN|EXEMPLE|PROVA|VORSCHAU|
CONFIDENTIAL|Low resolution|Demo|TRIAL|EVALUATION|FOTOPROBE|rights managed|FREE|Protected|Photography|Studio
"""
SCRIPTS: Mapping[Script, Alphabet] = {
    Script.LATIN: Alphabet(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", tuple(_ENGLISH.replace("\n", "").split("|"))
    ),
    Script.CYRILLIC: Alphabet(
        "абвгдежзиклмнопрстуфхцчшщыьэюяАБВГДЕЖЗИКЛМНОПРСТУФ", ("ОБРАЗЕЦ", "НЕ КОПИРОВАТЬ", "Фотобанк", "ПРОБА")
    ),
    Script.GREEK: Alphabet("αβγδεζηθικλμνξοπρστυφχψωΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", ("ΔΕΙΓΜΑ", "Δοκιμή")),
    Script.HEBREW: Alphabet("אבגדהוזחטיכלמנסעפצקרשת", ("דוגמה", "אין להעתיק")),
    Script.ARABIC: Alphabet("ابتثجحخدذرزسشصضطظعغفقكلمنهوي", ("نموذج", "حقوق محفوظة", "معاينة")),
    Script.ARMENIAN: Alphabet("աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ", ("Նմուշ",)),
    Script.GEORGIAN: Alphabet("აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ", ("ნიმუში",)),
    Script.DEVANAGARI: Alphabet("कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह", ("नमूना",)),
    Script.HAN: Alphabet(
        "山水天地人中国风景摄影图片样本版权所有禁止复制"
        "网站素材库预览高清原创作品",
        ("样图", "版权所有", "禁止复制", "摄影图库"),
        False,
    ),
    Script.KANA: Alphabet(
        "アイウエオカキクケコサシスセソタチツテトナニヌネノ", ("サンプル", "プレビュー", "コピー"), False
    ),
    Script.HANGUL: Alphabet("가나다라마바사아자차카타파하사진견본복제금지미리보기", ("견본", "복제금지", "미리보기")),
}  # fmt: skip
_ONSETS = (
    "b",
    "br",
    "c",
    "ch",
    "d",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "st",
    "t",
    "v",
    "w",
    "z",
)
_RHYMES = (
    "a",
    "an",
    "ar",
    "e",
    "el",
    "en",
    "er",
    "i",
    "in",
    "ix",
    "o",
    "on",
    "or",
    "u",
    "um",
    "ay",
    "ee",
    "ia",
    "ock",
)
_TRADES = (
    "photo",
    "pix",
    "stock",
    "images",
    "foto",
    "shots",
    "studio",
    "media",
    "lens",
    "art",
    "pics",
    "gallery",
)
_DOMAINS = ("com", "net", "org", "de", "co.uk", "io", "photo", "fr", "ru")


def _one(rng: Random, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]


def name(rng: Random, script: Script, syllables: int | None = None) -> str:
    """A name that nobody bears: syllables, or letters where a script has no syllables here."""
    count = syllables or int(rng.integers(2, 4))
    if script is Script.LATIN:
        return "".join(_one(rng, _ONSETS) + _one(rng, _RHYMES) for _ in range(count)).capitalize()
    letters = SCRIPTS[script].letters
    return "".join(letters[i] for i in rng.integers(0, len(letters), 2 * count))


def author(rng: Random, script: Script) -> str:
    """A first and a last name."""
    return f"{name(rng, script, 2)} {name(rng, script)}"


def agency(rng: Random) -> str:
    """A picture agency's name, in any of the ways they are written."""
    trade = _one(rng, _TRADES)
    styles = (
        f"{name(rng, Script.LATIN).lower()}{trade}",
        f"{name(rng, Script.LATIN)}{trade.capitalize()}",
        f"{name(rng, Script.LATIN).upper()} {trade.upper()}",
        f"{trade}{name(rng, Script.LATIN).lower()}",
        name(rng, Script.LATIN).lower(),
        name(rng, Script.LATIN, 1).upper(),
    )
    return _one(rng, styles)


def address(rng: Random) -> str:
    """Where the author is to be found: a site, a handle, an account."""
    host = f"{name(rng, Script.LATIN).lower()}{_one(rng, ('', *_TRADES))}.{_one(rng, _DOMAINS)}"
    handle = f"{name(rng, Script.LATIN).lower()}{_one(rng, ('', '_', '.'))}{_one(rng, ('', *_TRADES))}"
    return _one(rng, (host, f"www.{host}", f"@{handle}", f"u/{handle}", f"https://{host}", f"IG: @{handle}"))


def credit(rng: Random, script: Script) -> str:
    """A line that says whose picture it is."""
    who, year = author(rng, script), str(rng.integers(1998, 2027))
    if script is not Script.LATIN:
        return _one(rng, (f"© {who}", who, f"{who} {year}", _one(rng, SCRIPTS[script].warnings)))
    lines = (
        f"© {who}", f"© {year} {who}", f"Photo by {who}", f"{who} Photography", f"{agency(rng)} / {who}",
        f"Copyright {year} {who}", f"{who} | {address(rng)}", agency(rng), address(rng), address(rng), who,
        f"{agency(rng)} {number(rng)}", f"(c) {who} {year}", f"PHOTO: {who.upper()}",
    )  # fmt: skip
    return _one(rng, lines)


def number(rng: Random) -> str:
    """A picture's number in a catalogue."""
    return _one(rng, ("#", "ID ", "", "No. ")) + str(rng.integers(10_000, 2_000_000_000))


def title(rng: Random, script: Script) -> str:
    """What a large mark says: a warning, an agency or a name."""
    chosen = rng.random()
    if script is Script.LATIN and chosen > 0.45:
        return agency(rng) if chosen < 0.85 else address(rng)
    return _one(rng, SCRIPTS[script].warnings) if chosen < 0.6 else name(rng, script)


def caption(rng: Random, script: Script) -> str:
    """A few words below a picture."""
    words = " ".join(name(rng, script) for _ in range(int(rng.integers(2, 6))))
    return f"{words} - {author(rng, script)}" if rng.random() < 0.5 else words
