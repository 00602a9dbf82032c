import pytest

from chat.images.tiles import anyres, choose_grid, tilings


@pytest.mark.parametrize(
    ("width", "height", "max_tiles", "grid", "total"),
    [
        # Square: 1×1, 2×2 and 3×3 fit as well; the picture must fill more than half of the larger grid.
        (448, 448, 12, (1, 1), 1),
        (633, 633, 12, (1, 1), 1),
        (634, 634, 12, (2, 2), 5),
        (950, 950, 12, (2, 2), 5),
        (951, 951, 12, (3, 3), 10),
        (8000, 8000, 1, (1, 1), 1),
        # 4:3 is 1.333: 4×3 has 12 tiles; with fewer, 3×2 (1.5) is nearer than 1×1.
        (1024, 768, 12, (4, 3), 13),
        (1024, 768, 6, (3, 2), 7),
        (1024, 768, 11, (3, 2), 7),
        # 2:1, and 4×2 where it fills more than half of 8 tiles.
        (896, 448, 12, (2, 1), 3),
        (1920, 960, 12, (4, 2), 9),
        (1920, 960, 7, (2, 1), 3),
        # Long strips.
        (4000, 100, 12, (12, 1), 13),
        (100, 1000, 12, (1, 10), 11),
        (1, 1, 12, (1, 1), 1),
        # 3:2 is as near to 1×1 as to 2×1: the larger takes it where the picture fills more than half.
        (300, 200, 2, (1, 1), 1),
        (900, 600, 2, (2, 1), 3),
    ],
)
def test_the_grid_is_the_one_that_internvl_would_choose(width, height, max_tiles, grid, total):
    chosen = choose_grid(width, height, max_tiles)
    assert (chosen.columns, chosen.rows) == grid
    assert chosen.total == total


def test_turning_a_picture_turns_its_grid():
    for width, height in ((1024, 768), (1920, 1080), (700, 100)):
        lying, standing = choose_grid(width, height, 12), choose_grid(height, width, 12)
        assert (lying.columns, lying.rows) == (standing.rows, standing.columns)


@pytest.mark.parametrize(
    ("size", "columns", "rows", "place"),
    [
        # What LLaVA's select_best_resolution and resize_and_pad_image give.
        ((1000, 1000), 2, 2, (0, 0, 672, 672)),
        ((2000, 500), 3, 1, (0, 42, 1008, 252)),
        ((300, 900), 1, 3, (0, 0, 336, 1008)),
        ((640, 480), 2, 2, (0, 84, 672, 504)),
        ((100, 100), 1, 2, (0, 168, 336, 336)),
    ],
)
def test_llava_lays_a_picture_into_the_middle_of_its_grid(size, columns, rows, place):
    tiling = anyres(size)
    assert (tiling.columns, tiling.rows) == (columns, rows)
    assert (tiling.left, tiling.top, tiling.width, tiling.height) == place


def test_internvl2_shares_the_budget_among_the_last_pictures_and_gives_earlier_ones_a_tile_each():
    large = (2000, 2000)
    found = tilings("InternVL2-8B", "internvl2", [[large], [], [large, large, large], []], 12)
    assert [tiling.columns * tiling.rows for tiling in found] == [1, 4, 4, 4]


def test_a_budget_smaller_than_the_pictures_leaves_one_tile_each():
    found = tilings("InternVL2-8B", "internvl2", [[(900, 900)] * 3], 2)
    assert [tiling.columns * tiling.rows for tiling in found] == [1, 1, 1]


def test_internvl_1_5_cuts_the_first_picture_alone():
    first, second = tilings("InternVL-Chat-V1-5", "llava", [[(1024, 768), (1024, 768)]], 12)
    assert ((first.columns, first.rows), second) == ((4, 3), None)


@pytest.mark.parametrize(
    ("model", "protocol"),
    [
        ("llava-v1.5-7b", "llava"),
        ("InternVL2-8B", "openai"),
        ("InternVL-Chat-V1-2", "llava"),
        ("vicuna", "llava"),
    ],
)
def test_of_other_models_nothing_is_made_up(model, protocol):
    assert tilings(model, protocol, [[(1024, 768)]], 12) == [None]
