"""How workers cut pictures into tiles, by the rules that their authors published.

InternVL's is `dynamic_preprocess`: of all grids of at most `max_tiles` tiles the one whose shape is closest to the
picture's; of grids of the same shape, the largest of which the picture fills more than half. The picture is
stretched over the grid; more than one tile are joined by a thumbnail of the whole. How many tiles each of several
pictures may have is in InternVL's `streamlit_demo/model_worker.py`: those of the last message that has any share
the budget, those of earlier messages have one tile each. InternVL 1.x's `llava/serve/model_worker.py` cuts the
first picture alone.

LLaVA 1.6's is `process_anyres_image` in `llava/mm_utils.py`: of five grids the one that shows most of the picture's
pixels, and of those the one that wastes least; the picture is scaled into it, in the middle, and joined by a
small copy of the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

TILE = 448  # pixels a side
_ANYRES_TILE = 336
_ANYRES_GRIDS = (
    (1, 2),
    (2, 1),
    (2, 2),
    (3, 1),
    (1, 3),
)  # columns and rows, as in the models' `image_grid_pinpoints`

Size = tuple[int, int]  # width and height in pixels


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns and rows of tiles."""

    columns: int
    rows: int

    @property
    def tiles(self) -> int:
        return self.columns * self.rows

    @property
    def thumbnail(self) -> bool:
        return self.tiles > 1

    @property
    def total(self) -> int:
        """Count the pictures that the model sees, the thumbnail included."""
        return self.tiles + self.thumbnail


def choose_grid(width: int, height: int, max_tiles: int) -> Grid:
    """Choose the grid for a picture of `width` × `height` pixels, of at most `max_tiles` tiles."""
    shape = width / height
    best = Grid(1, 1)
    for grid in _grids(max(1, max_tiles)):
        difference, least = abs(shape - grid.columns / grid.rows), abs(shape - best.columns / best.rows)
        fills_half = width * height > grid.tiles * TILE * TILE / 2
        if difference < least or (difference == least and fills_half):
            best = grid
    return best


def _grids(max_tiles: int) -> list[Grid]:
    """List all grids, those of fewer tiles first."""
    grids = [
        Grid(columns, rows)
        for columns in range(1, max_tiles + 1)
        for rows in range(1, max_tiles // columns + 1)
    ]
    return sorted(grids, key=lambda grid: grid.tiles)


@dataclass(frozen=True, slots=True)
class Tiling:
    """Where a picture lies on a grid of square tiles, in pixels; `thumbnail`: a small copy of the whole goes along."""

    columns: int
    rows: int
    tile: int
    left: int
    top: int
    width: int
    height: int
    thumbnail: bool


def tilings(
    model: str, protocol: str, messages: Sequence[Sequence[Size]], max_tiles: int
) -> list[Tiling | None]:
    """Tell how a model's worker would cut the pictures of each message, all in one list.

    None for a picture of which it can't be told: the rule depends on a server's own settings, or is none of these.
    `protocol` is a key of `chat.workers.protocols.PROTOCOLS`.
    """
    sizes = [size for message in messages for size in message]
    name = model.lower().replace("_", "-")
    if protocol == "internvl2":
        budgets = [budget for message in _budgets(messages, max_tiles) for budget in message]
        return [internvl(size, budget) for size, budget in zip(sizes, budgets, strict=True)]
    if protocol == "llava" and "intern" in name and ("v1-5" in name or "v1.5" in name):
        return [internvl(size, max_tiles) if place == 0 else None for place, size in enumerate(sizes)]
    if protocol == "llava" and "llava" in name and ("v1.6" in name or "next" in name):
        return [anyres(size) for size in sizes]
    return [None] * len(sizes)


def internvl(size: Size, max_tiles: int) -> Tiling:
    """Lay a picture over its grid as InternVL does."""
    grid = choose_grid(*size, max_tiles)
    return Tiling(
        grid.columns, grid.rows, TILE, 0, 0, grid.columns * TILE, grid.rows * TILE, thumbnail=grid.thumbnail
    )


def anyres(size: Size) -> Tiling:
    """Lay a picture over its grid as LLaVA 1.6 does."""
    width, height = size

    def worth(grid: tuple[int, int]) -> tuple[int, int]:
        across, down = grid[0] * _ANYRES_TILE, grid[1] * _ANYRES_TILE
        scale = min(across / width, down / height)
        shown = min(int(width * scale) * int(height * scale), width * height)
        return shown, shown - across * down

    columns, rows = max(_ANYRES_GRIDS, key=worth)
    across, down = columns * _ANYRES_TILE, rows * _ANYRES_TILE
    if across / width < down / height:
        shown = (across, min(-(-height * across // width), down))
    else:
        shown = (min(-(-width * down // height), across), down)
    left, top = (across - shown[0]) // 2, (down - shown[1]) // 2
    return Tiling(columns, rows, _ANYRES_TILE, left, top, *shown, thumbnail=True)


def _budgets(messages: Sequence[Sequence[Size]], max_tiles: int) -> list[list[int]]:
    last = max((place for place, message in enumerate(messages) if message), default=-1)
    return [
        [max(1, max_tiles // len(message)) if place == last else 1] * len(message)
        for place, message in enumerate(messages)
    ]
