from analysis.records.reader import read_run
from analysis.render.formats import FORMATS
from analysis.tables import TABLES
from spaces import Hyperparameters


def test_shows_what_the_text_does_not_know(folder) -> None:
    folder.spec |= {"architectures": ["tiny"], "samples": None, "rerun_seeds": 2}
    for seed, accuracy in ((1, 0.5), (2, 0.7)):
        folder.rerun("tiny", [0.1, 0.2, 0.3, accuracy], "completed", theta=Hyperparameters(0.5, 0, 0, 1), seed=seed)
    table = TABLES["summary"].build(read_run(folder.write()))
    assert list(table.frame["mean_percent"]) == [60.0]
    row = next(line for line in FORMATS["md"](table).splitlines() if "tiny" in line)
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "tiny",
        "{0.5, 0.0, 0.0, 1.0}",
        "60.0",
        "14.14",
        "0.0 to 100.0",  # 60 -+ 12.706 x 14.142 / sqrt(2), Student's t with one degree of freedom, within 0 and 100.
        "2",
    ]


def test_keeps_the_order_of_the_run(full) -> None:
    full.spec["architectures"] = ["invariant", "conv"]
    assert list(TABLES["summary"].build(read_run(full.write())).frame["architecture"]) == ["invariant", "conv"]
