import sys
from types import SimpleNamespace

import pytest

from chat.model_worker.pictures import tile_limit


@pytest.mark.parametrize(
    ("attributes", "limit"),
    [
        ({"crop_to_patches": True, "max_patches": 12}, ("max_patches", sys.maxsize)),
        ({"resize_to_max_canvas": False, "max_patches": 16}, ("max_patches", 16)),
        ({"max_image_tiles": 4}, ("max_image_tiles", 4)),
        ({"max_num_tiles": 36}, ("max_num_tiles", 36)),
        ({"max_patches": 4096, "patch_size": 16}, None),
        ({"size": {"longest_edge": 1000}}, None),
    ],
)
def test_only_tiles_are_limited_and_never_above_what_a_model_was_built_for(attributes, limit):
    assert tile_limit(SimpleNamespace(**attributes)) == limit
