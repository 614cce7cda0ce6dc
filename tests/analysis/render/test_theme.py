import pytest

from analysis.render import theme


@pytest.mark.parametrize(("one", "other", "expected"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48)])
def test_contrast_is_that_of_wcag(one: str, other: str, expected: float) -> None:
    assert theme.measure_contrast(one, other) == pytest.approx(expected, abs=0.005)
    assert theme.measure_contrast(other, one) == theme.measure_contrast(one, other)


@pytest.mark.parametrize("ground", [0, 1], ids=["light", "dark"])
def test_every_colour_can_be_seen_on_its_ground(ground: int) -> None:
    for pair in theme.COLOURS:
        assert theme.measure_contrast(pair[ground], theme.SURFACE[ground]) >= 3.0
    for pair in (theme.INK, theme.MUTED):
        assert theme.measure_contrast(pair[ground], theme.SURFACE[ground]) >= 4.5


def test_sixty_four_groups_look_different() -> None:
    groups = [f"group {number}" for number in range(64)]
    looks = {(look.colour, look.symbol) for look in (theme.choose_look(group, groups) for group in groups)}
    assert len(looks) == 64


def test_what_belongs_to_no_group_is_muted() -> None:
    assert theme.choose_look("published", ["conv"]).colour == theme.MUTED[0]


@pytest.mark.parametrize("share", [place / 20 for place in range(21)])
def test_numbers_in_cells_can_be_read(share: float) -> None:
    """On white the highest values are dark, on dark they are light."""
    for ink, at in zip(theme.choose_cell_ink(share), (1 - share, share), strict=True):
        cell = theme.SEQUENTIAL[round(at * (len(theme.SEQUENTIAL) - 1))]
        assert theme.measure_contrast(cell, ink) >= 4.5
