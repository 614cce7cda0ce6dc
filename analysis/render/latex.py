"""Tables in LaTeX, set for the page of an article: nothing reaches beyond the text block, however many columns.

Published numbers stand in a line under ours. What is still too wide wraps its words, then continues in another
panel below; what is too high continues in another float. Widths are estimates, on the safe side.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

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
NARROW, BROAD = frozenset("fijlrtI.,:;!'()[]/- "), frozenset("mwMW%@&~^\\<>+=×±µ")


def write_latex(table: Filled) -> str:
    """One float or several, with booktabs rules; a comment says which packages the document needs."""
    columns = arrange(table)
    blocks: list[tuple[float, str, bool]] = []
    for panel in make_panels(columns):
        blocks += [(height, text, False) for height, text in write_tabulars(panel)]
    for note in table.notes:
        lines = list_lines(note, (WIDTH - 25) * 9 / 8)
        blocks.append((lines * NOTE_LINE, f"\\item {protect_bracket(breakable(note))}\n", True))
    caption = CAPTION + LINE * list_lines(f"{table.title} (continued)", WIDTH - 50)
    floats: list[list[tuple[float, str, bool]]] = [[]]
    for block in blocks:
        if floats[-1] and caption + sum(height for height, *_ in floats[-1]) + block[0] > HEIGHT:
            floats.append([])
        floats[-1].append(block)
    return write_preamble(table) + "\n".join(
        write_float(table.title, held, continued=place > 0) for place, held in enumerate(floats)
    )


def write_preamble(table: Filled) -> str:
    """What the document needs, as comments."""
    text = "".join([table.title, *table.notes, *map(str, table.cells), *map(str, table.cells.to_numpy().flat)])
    foreign = "".join(dict.fromkeys(character for character in text if ord(character) > 0x17F))
    needs = "% Needs \\usepackage{array,booktabs}.\n"
    if foreign:
        needs += (
            f"% Needs XeLaTeX, and fonts that have {foreign}; for Chinese, Japanese or Korean \\usepackage{{xeCJK}}.\n"
        )
    return needs


def write_float(title: str, blocks: Iterable[tuple[float, str, bool]], continued: bool) -> str:
    """A ``table`` of tabulars and notes; one that continues another has its number."""
    blocks = list(blocks)
    tables = "\n\\medskip\n".join(text for _, text, is_note in blocks if not is_note)
    notes = "".join(text for _, text, is_note in blocks if is_note)
    caption = ("\\addtocounter{table}{-1}\n" if continued else "") + (
        f"\\caption{{{breakable(title)}{' (continued)' if continued else ''}}}\n"
    )
    if notes:
        notes = (
            "\\begin{itemize}\\footnotesize\\raggedright\\setlength{\\itemsep}{0pt}\\setlength{\\parskip}{0pt}\n"
            f"{notes}\\end{{itemize}}\n"
        )
    spacing = f"\\small\\sloppy\\setlength{{\\tabcolsep}}{{{GAP / 2:g}pt}}\n"
    return f"\\begin{{table}}[htbp]\n\\centering{spacing}{caption}{tables}{notes}\\end{{table}}\n"


@dataclass(frozen=True)
class Column:
    """One column of the page.

    Attributes:
        heading: its lines.
        cells: one for each row; of a row of published numbers as well.
        right: whether it is aligned to the right and never wrapped.
        width: in points, if its text wraps.
    """

    heading: str
    cells: tuple[str, ...]
    right: bool
    width: float | None = None

    @property
    def natural(self) -> float:
        """The width without wrapped cells."""
        return max([self.least_heading, *map(measure_width, self.cells)])

    @property
    def least_heading(self) -> float:
        """The width of the heading's longest word."""
        return max(map(measure_width, self.words), default=0.0)

    @property
    def words(self) -> list[str]:
        """The heading's words; long ones are cut."""
        return [part for word in self.heading.split() for part in split_pieces(word, HEADING, HEADING)]

    @property
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

    def stacked(self) -> list[str]:
        """The lines of the heading, none wider than the column."""
        lines: list[str] = []
        for word in self.words:
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and measure_width(longer) <= self.room:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def lines(self, row: int) -> int:
        """How many lines a cell takes, at most."""
        return 1 if self.width is None else list_lines(self.cells[row], self.width)


def arrange(table: Filled) -> list[Column]:
    """The first column, the columns of which the text has numbers, then our own; published numbers are lines."""
    names = [str(name) for name in table.cells]
    rows = [[str(cell) for cell in row] for row in table.cells.to_numpy()]
    above = {name: partner for name in names if (partner := find_published_above(name, names)) is not None}
    ours = [name for name in names if name not in above]
    ours = sorted(ours, key=lambda name: (name != names[0], name not in above.values()))
    under = {partner: name for name, partner in above.items()}
    cells: dict[str, list[str]] = {name: [] for name in ours}
    for row in (dict(zip(names, row, strict=True)) for row in rows):
        published = {name: row[under[name]] if name in under else "" for name in ours}
        for line in (row, {**published, names[0]: PUBLISHED.strip()} if any(published.values()) else None):
            for name in ours if line else ():
                cells[name].append((line or {})[name])
    return [Column(name, tuple(cells[name]), name in table.right) for name in ours]


def find_published_above(name: str, names: Sequence[str]) -> str | None:
    """The column of ours that a column of published numbers belongs under."""
    if not name.startswith(PUBLISHED):
        return None
    kind = name.removeprefix(PUBLISHED)
    return next((other for other in names if other == kind or other.split(" = ")[0] == kind), None)


def make_panels(columns: Sequence[Column]) -> list[list[Column]]:
    """Columns that fit beside each other, in as few panels as possible, of about one width.

    Every panel begins with the columns that tell the rows apart, or with the first.
    """
    names = list(zip(*(column.cells for column in columns[:2]), strict=True))
    rows = [row for row in names if row[0] != PUBLISHED.strip()]
    alike = len({row[0] for row in rows}) < len(rows) and sum(column.least for column in columns[:2]) < WIDTH / 2
    keys = list(columns[: 2 if alike else 1])

    def split(limit: float) -> list[list[Column]]:
        found, held = [], keys
        for column in columns[len(keys) :]:
            if len(held) > len(keys) and sum(one.least + GAP for one in [*held, column]) > limit:
                found.append(held)
                held = keys
            held = [*held, column]
        return [*found, held]

    fewest = split(WIDTH)
    even = next(found for limit in range(0, math.ceil(WIDTH) + 1) if len(found := split(limit)) <= len(fewest))
    return [fit_columns(panel) for panel in even]


def fit_columns(columns: list[Column]) -> list[Column]:
    """Wraps the widest columns of text, none further than it must be."""
    free = WIDTH - GAP * len(columns)
    cap = max(column.natural for column in columns)
    while cap > 1 and sum(min(one.natural, max(one.least, cap)) for one in columns) > free:
        cap -= 1
    return [
        replace(one, width=math.ceil(max(one.least, cap)))
        if not one.right and max(one.least, cap) < one.natural
        else one
        for one in columns
    ]


def write_tabulars(columns: list[Column]) -> Iterator[tuple[float, str]]:
    """The height and the text of each tabular of a panel, cut where a page is full."""
    count = len(columns[0].cells)
    head = [column.stacked() for column in columns]
    depth = max(map(len, head))
    head = [[""] * (depth - len(lines)) + lines for lines in head]
    heading = " \\\\\n".join(
        " & ".join(
            f"\\multicolumn{{1}}{{{'r' if one.right else 'l'}}}{{{escape(lines[level])}}}"
            for one, lines in zip(columns, head, strict=True)
        )
        for level in range(depth)
    )
    start, full = 0, HEIGHT - CAPTION - (depth + 8) * LINE  # Six of them for a long caption.
    while start < count or start == 0:
        end, height = start, 0.0
        while end < count:
            taller = height + LINE * max(column.lines(end) for column in columns)
            if end > start and taller > full:
                break
            end, height = end + 1, taller
        body = "".join(
            f"{' & '.join(protect_bracket(breakable(one.cells[row])) for one in columns)} \\\\\n"
            for row in range(start, end)
        )
        yield (
            height + (depth + 2) * LINE,
            f"\\begin{{tabular}}{{@{{}}{''.join(one.sides for one in columns)}@{{}}}}\n"
            f"\\toprule\n{heading} \\\\\n\\midrule\n{body}\\bottomrule\n\\end{{tabular}}\n",
        )
        start = max(end, 1)


def measure_width(text: str) -> float:
    """About how wide a text is set, in points."""
    return SIZE * sum(
        1.0 if ord(character) > 0x17F or character in BROAD else 0.39 if character in NARROW
        else 0.75
        if character.isupper()
        else 0.53
        for character in text
    )  # fmt: skip


def list_lines(text: str, width: float) -> int:
    """How many lines a text fills."""
    lines, used = 1, 0.0
    for word in text.split():
        for part in split_pieces(word):
            if used and used + measure_width(part) > width:
                lines, used = lines + 1, 0.0
            used += measure_width(part)
        used += measure_width(" ")
    return lines


def split_pieces(word: str, longest: int = LONGEST, cut: int = CUT) -> list[str]:
    """A word, or of a long one what stands between the places where it may be cut."""
    if len(word) <= longest:
        return [word]
    parts = re.findall(r"[^-_/.]*[-_/.]|[^-_/.]+", word)
    return [part[place : place + cut] for part in parts for place in range(0, len(part), cut)]


def breakable(text: str) -> str:
    """Escaped, with places where long words may be cut."""
    return " ".join("\\allowbreak{}".join(map(escape, split_pieces(word))) for word in text.split(" "))


def escape(text: str) -> str:
    """Text in which nothing is a command, and the two hyphens of an option stay two."""
    return re.sub("-(?=-)", "-{}", text.translate(ESCAPES))


def protect_bracket(text: str) -> str:
    """Text that the command before it does not take for its option."""
    return f"{{}}{text}" if text[:1] in ("[", "*") else text
