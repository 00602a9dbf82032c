"""Pictures that are tried out: as if they had been uploaded, in memory, with no row and no file."""

from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from chat.images.store import decoded
from chat.models import Image


def unstored(data: bytes) -> Image:
    """Decode a picture's file and give it as an image that is nowhere stored. Blocks; raises `ImageRefused`."""
    found = decoded(data)
    about, memory = found.about, InMemoryStorage()
    for name, file in (("png", found.png), ("jpeg", found.jpeg), ("thumbnail", found.thumbnail)):
        memory.save(name, ContentFile(file))
    image = Image(
        md5=about.md5,
        width=about.width,
        height=about.height,
        difference_hash=about.difference_hash,
        file="png",
        jpeg="jpeg",
        thumbnail="thumbnail",
    )
    image.file.storage = image.jpeg.storage = image.thumbnail.storage = memory
    return image
