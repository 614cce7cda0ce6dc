"""Tables in LaTeX, set for the page of an article: nothing reaches beyond the text block, however many columns.

Published numbers stand in a line under ours. What is still too wide wraps its words, then continues in another
panel below; what is too high continues in another float. Widths are estimates, on the safe side.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from analysis.tables.table import Filled

ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",  # A dash in the default font.
        **{character: f"\\{character}" for character in "&%$#_{}"},
    }
)
PUBLISHED = "published "

# Lengths in points: the text block of a 10 pt article, and what fills it; 3 are in reserve.
WIDTH, HEIGHT = 342.0, 540.0
GAP = 6.0
LINE, NOTE_LINE, CAPTION = 11.0, 9.5, 24.0
SIZE = 9.25  # Of a quad of \small.
LONGEST, CUT = 20, 5  # Characters of a word that is never cut, and of the pieces of a longer one.
HEADING = 16  # Of a word of a heading.
WIDTHS = dict.fromkeys("fijlrtI.,:;!'()[]/- ", 0.39) | dict.fromkeys("mwMW%@&~^\\<>+=×±µ", 1.0)  # Of some letters.
Item = TypeVar("Item")


def write_latex(table: Filled) -> str:
    """One float or several, with booktabs rules and one label; a comment says which packages the document needs."""
    blocks = [(height, text, "") for panel in make_panels(arrange(table)) for height, text in write_tabulars(panel)]
    for note in table.notes:
        lines = len(fill_lines(note.split(), (WIDTH - 25) * 9 / 8))
        blocks.append((lines * NOTE_LINE, "", f"\\item {protect_bracket(allow_breaks(note))}\n"))
    caption = CAPTION + LINE * len(fill_lines(f"{table.title} (continued)".split(), WIDTH - 50))
    floats = pack(blocks, lambda block: block[0], HEIGHT - caption)
    text = "".join([table.title, *table.notes, *map(str, table.cells), *map(str, table.cells.to_numpy().flat)])
    needs = "% Needs \\usepackage{array,booktabs}.\n"
    if foreign := "".join(dict.fromkeys(character for character in text if ord(character) > 0x17F)):
        needs += (
            f"% Needs XeLaTeX, and fonts that have {foreign}; for Chinese, Japanese or Korean \\usepackage{{xeCJK}}.\n"
        )
    return needs + "\n".join(_write_float(table, held, held is not floats[0]) for held in floats)


def _write_float(table: Filled, blocks: Sequence[tuple[float, str, str]], continued: bool) -> str:
    """A ``table`` of tabulars and notes; one that continues another has its number."""
    tables = "\n\\medskip\n".join(tabular for _, tabular, _ in blocks if tabular)
    caption = f"\\caption{{{allow_breaks(table.title)}}}\n\\label{{tab:{table.number}}}\n"
    if continued:
        caption = f"\\addtocounter{{table}}{{-1}}\n\\caption{{{allow_breaks(table.title)} (continued)}}\n"
    if notes := "".join(note for *_, note in blocks):
        spacing = "\\footnotesize\\raggedright\\setlength{\\itemsep}{0pt}\\setlength{\\parskip}{0pt}"
        notes = f"\\begin{{itemize}}{spacing}\n{notes}\\end{{itemize}}\n"
    spacing = f"\\small\\sloppy\\setlength{{\\tabcolsep}}{{{GAP / 2:g}pt}}\n"
    return f"\\begin{{table}}[htbp]\n\\centering{spacing}{caption}{tables}{notes}\\end{{table}}\n"


@dataclass(frozen=True)
class Column:
    """One column of the page; lengths are in points."""

    heading: str
    cells: tuple[str, ...]  # One for each row; of a row of published numbers as well.
    right: bool  # Whether it is aligned to the right and never wrapped.
    width: float | None = None  # If its text wraps.

    @cached_property
    def words(self) -> list[str]:
        """The heading's words; long ones are cut."""
        return [part for word in self.heading.split() for part in split_pieces(word, HEADING, HEADING)]

    @cached_property
    def least_heading(self) -> float:
        """The width of the heading's longest word."""
        return max(map(measure_width, self.words), default=0.0)

    @cached_property
    def natural(self) -> float:
        """The width without wrapped cells."""
        return max([self.least_heading, *map(measure_width, self.cells)])

    @cached_property
    def least(self) -> float:
        """The width below which it does not go: no word is cut that need not be, nor does a cell take many lines."""
        if self.right:
            return self.natural
        words = (part for cell in self.cells for word in cell.split() for part in split_pieces(word))
        return max([self.least_heading, min(0.55 * self.natural, 0.4 * WIDTH), *map(measure_width, words)])

    @property
    def room(self) -> float:
        """The width it takes."""
        return self.natural if self.width is None else self.width

    @property
    def sides(self) -> str:
        """The column's letter in the preamble of a tabular."""
        if self.width is not None:
            return f">{{\\raggedright\\arraybackslash}}p{{{self.width:.0f}pt}}"
        return "r" if self.right else "l"

    def count_lines(self, row: int) -> int:
        """How many lines a cell takes, at most."""
        return 1 if self.width is None else len(fill_lines(self.cells[row].split(), self.width))


def arrange(table: Filled) -> list[Column]:
    """The first column, the columns with numbers in the chapter, then our own; published numbers are lines."""
    names = [str(name) for name in table.cells]
    under: dict[str, str] = {}  # A column of ours -> that of the published numbers that stand under it.
    for name in names:
        kind = name.removeprefix(PUBLISHED)
        partner = next((other for other in names if other == kind or other.split(" = ")[0] == kind), None)
        if name.startswith(PUBLISHED) and partner is not None:
            under[partner] = name
    ours = [name for name in names if name not in under.values()]
    ours.sort(key=lambda name: (name != names[0], name not in under))
    cells: dict[str, list[str]] = {name: [] for name in ours}
    for row in table.cells.itertuples(index=False):
        texts = dict(zip(names, map(str, row), strict=True))
        published = {name: texts[under[name]] if name in under else "" for name in ours}
        lines = [texts, published | {names[0]: PUBLISHED.strip()}] if any(published.values()) else [texts]
        for name, column in cells.items():
            column.extend(line[name] for line in lines)
    return [Column(name, tuple(cells[name]), name in table.right) for name in ours]


def make_panels(columns: Sequence[Column]) -> list[list[Column]]:
    """Columns that fit beside each other, in as few panels as possible, of about one width.

    Every panel begins with the columns that tell the rows apart, or with the first.
    """
    names = list(zip(*(column.cells for column in columns[:2]), strict=True))
    rows = [row for row in names if row[0] != PUBLISHED.strip()]
    alike = len({row[0] for row in rows}) < len(rows) and sum(column.least for column in columns[:2]) < WIDTH / 2
    keys, others = columns[: 2 if alike else 1], columns[2 if alike else 1 :]

    def split(limit: float) -> list[list[Column]]:
        return pack(others, lambda one: one.least + GAP, limit - sum(one.least + GAP for one in keys))

    fewest = len(split(WIDTH))
    even = next(found for limit in range(0, math.ceil(WIDTH) + 1) if len(found := split(limit)) <= fewest)
    return [fit_columns([*keys, *found]) for found in even]


def pack(items: Iterable[Item], measure: Callable[[Item], float], room: float) -> list[list[Item]]:
    """Items in as few groups as fit the room, in their order; none but the only group is empty."""
    groups: list[list[Item]] = [[]]
    for item in items:
        if groups[-1] and sum(map(measure, groups[-1])) + measure(item) > room:
            groups.append([])
        groups[-1].append(item)
    return groups


def fit_columns(columns: Sequence[Column]) -> list[Column]:
    """Wraps the widest columns of text, none further than it must be."""
    free = WIDTH - GAP * len(columns)
    cap = max(column.natural for column in columns)
    while cap > 1 and sum(min(one.natural, max(one.least, cap)) for one in columns) > free:
        cap -= 1
    rooms = [max(one.least, cap) for one in columns]
    pairs = zip(columns, rooms, strict=True)
    return [replace(one, width=math.ceil(room)) if room < one.natural else one for one, room in pairs]


def write_tabulars(columns: list[Column]) -> Iterator[tuple[float, str]]:
    """The height and the text of each tabular of a panel, cut where a page is full."""
    head = [fill_lines(column.words, column.room) for column in columns]
    depth = max(map(len, head))
    sides = [f"\\multicolumn{{1}}{{{'r' if one.right else 'l'}}}" for one in columns]
    levels = zip(*([""] * (depth - len(lines)) + lines for lines in head), strict=True)
    heading = "".join(
        " & ".join(f"{side}{{{escape(line)}}}" for side, line in zip(sides, level, strict=True)) + " \\\\\n"
        for level in levels
    )
    begin = f"\\begin{{tabular}}{{@{{}}{''.join(one.sides for one in columns)}@{{}}}}\n\\toprule\n{heading}\\midrule\n"
    heights = [LINE * max(column.count_lines(row) for column in columns) for row in range(len(columns[0].cells))]
    full = HEIGHT - CAPTION - (depth + 8) * LINE  # Six of them for a long caption.
    for rows in pack(range(len(heights)), heights.__getitem__, full):
        cells = [" & ".join(protect_bracket(allow_breaks(one.cells[row])) for one in columns) for row in rows]
        body = "".join(f"{line} \\\\\n" for line in cells)
        yield sum(heights[row] for row in rows) + (depth + 2) * LINE, f"{begin}{body}\\bottomrule\n\\end{{tabular}}\n"


def measure_width(text: str) -> float:
    """About how wide a text is set, in points."""
    return SIZE * sum(
        WIDTHS.get(letter, 1.0 if ord(letter) > 0x17F else 0.75 if letter.isupper() else 0.53) for letter in text
    )


def fill_lines(words: Iterable[str], width: float) -> list[str]:
    """The lines that words fill; long words are cut."""
    lines = [""]
    for word in words:
        gap = " " if lines[-1] else ""
        for part in split_pieces(word):
            longer = f"{lines[-1]}{gap}{part}"
            if lines[-1] and measure_width(longer) > width:
                lines.append(part)
            else:
                lines[-1] = longer
            gap = ""
    return lines


def split_pieces(word: str, longest: int = LONGEST, cut: int = CUT) -> list[str]:
    """A word, or of a long one what stands between the places where it may be cut."""
    if len(word) <= longest:
        return [word]
    parts = re.findall(r"[^-_/.]*[-_/.]|[^-_/.]+", word)
    return [part[place : place + cut] for part in parts for place in range(0, len(part), cut)]


def allow_breaks(text: str) -> str:
    """Escaped, with places where long words may be cut."""
    return " ".join("\\allowbreak{}".join(map(escape, split_pieces(word))) for word in text.split(" "))


def escape(text: str) -> str:
    """Text in which nothing is a command, and the two hyphens of an option stay two."""
    return re.sub("-(?=-)", "-{}", text.translate(ESCAPES))


def protect_bracket(text: str) -> str:
    """Text that the command before it does not take for its option."""
    return f"{{}}{text}" if text[:1] in ("[", "*") else text
