import os
import subprocess
from pathlib import Path

import pytest

from spaces.common.wording import format_clock, format_command, format_count, format_tally


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 epochs"), (1, "1 epoch"), (1.4, "1 epoch"), (1.6, "2 epochs"), (20, "20 epochs")]
)
def test_counted(number: float, text: str) -> None:
    assert format_count(number, "epoch") == text


def test_tallied() -> None:
    assert format_tally(7, 16, {"stopped": 4, "diverged": 1, "failed": 0}) == "7/16 ended (4 stopped, 1 diverged)"
    assert format_tally(0, 4, {"stopped": 0}) == "0/4 ended"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (59.9, "0:00:59"), (3661, "1:01:01"), (360000, "100:00:00")]
)
def test_clock(seconds: float, text: str) -> None:
    assert format_clock(seconds) == text


@pytest.mark.parametrize(
    "word",
    [
        *("plain", "a b", "it's", "", "~", "$HOME `id` !x", "{} %s *", "-x", "é ü"),
        *("a\nb", "it's\n", "\x1b[31mred", "\\\n8", "\udcff1", "é\t9", "\u202eevil"),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_a_command_is_one_line_that_a_shell_reads_as_it_was_meant(word: str, kind: type) -> None:
    line = format_command("printf", "%s", kind(word))
    assert line.isprintable()
    read = os.fsdecode(subprocess.run(["bash", "-c", line], stdout=subprocess.PIPE, check=True).stdout)
    assert read == (f"./{word}" if word in ("-x", "~") and kind is Path else str(kind(word)))
