"""How many tiles an InternVL model would cut a picture into.

The rule is that of InternVL's `dynamic_preprocess`: of all grids of at most `max_tiles` tiles the one whose
shape is closest to the picture's; of grids of the same shape, the largest of which the picture fills more
than half. More than one tile are joined by a thumbnail of the whole.
"""

from dataclasses import dataclass

TILE = 448  # pixels a side


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
