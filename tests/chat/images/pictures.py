"""Pictures for tests, made here so that every pixel is known."""

import io
import random
import struct
import zlib

from PIL import Image


def patterned(width=60, height=40):
    """A picture in which no two corners, rows or columns are alike."""
    picture = Image.new("RGB", (width, height))
    picture.putdata(
        [
            ((x * 7 + y) % 256, (y * 11 + x * x) % 256, (x * y) % 256)
            for y in range(height)
            for x in range(width)
        ]
    )
    return picture


def noisy(width, height, seed=1):
    return Image.frombytes("RGB", (width, height), random.Random(seed).randbytes(width * height * 3))


def encoded(picture, file_format="PNG", **options):
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def opened(data):
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def png_chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def png_header(width, height, depth=8, colour=2):
    return b"\x89PNG\r\n\x1a\n" + png_chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    )


def png_bomb(width, height):
    """A complete PNG of black pixels, a thousandth of its decoded size."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 3 * width)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png_header(width, height) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def png_claim(width, height):
    """A PNG that claims this size and ends where its pixels should begin."""
    return png_header(width, height) + png_chunk(b"IDAT", b"")


def with_png_chunks(data, *chunks):
    """Put chunks right after a PNG's header."""
    return data[:33] + b"".join(chunks) + data[33:]


def gif_header(width, height):
    """A GIF of one pixel on a canvas of this size."""
    data = encoded(Image.new("P", (1, 1)), "GIF")
    return data[:6] + struct.pack("<HH", width, height) + data[10:]


def webp_header(width, height):
    """An extended WebP that claims this size and has no picture in it."""
    head = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<I", len(head)) + head
    return b"RIFF" + struct.pack("<I", len(body)) + body


def endless_scans(width=4000, height=4000, scans=2000):
    """A progressive JPEG whose last scan comes again and again: little to send, much to decode."""
    data = encoded(Image.new("RGB", (width, height), "teal"), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def form_with(name, data):
    """Give the body of an upload as browsers send it; the test client would cut the name, and drop its path."""
    for character, escaped in (('"', "%22"), ("\r", "%0D"), ("\n", "%0A")):
        name = name.replace(character, escaped)
    head = f'--cut\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'
    return {
        "data": head.encode() + data + b"\r\n--cut--\r\n",
        "content_type": "multipart/form-data; boundary=cut",
    }
