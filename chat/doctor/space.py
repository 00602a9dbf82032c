"""Is there room where the site writes?"""

import shutil
from pathlib import Path

from chat.doctor.finding import Finding, ok, warning, wrong

MEGABYTE = 1024 * 1024
TOO_LITTLE = 100 * MEGABYTE
LITTLE = 1024 * MEGABYTE


def free_space(folder: Path) -> Finding:
    """Judge the space that is left on the disk of a folder that exists."""
    free = shutil.disk_usage(folder).free
    text = f"{free // MEGABYTE:,} MB are free at {folder}"
    mend = "Make room, or move the folder: MMCHAT_DATA_DIR."
    if free < TOO_LITTLE:
        return wrong(text, mend)
    return warning(text, mend) if free < LITTLE else ok(text)
