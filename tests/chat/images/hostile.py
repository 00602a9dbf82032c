"""Hostile uploads of fifteen kinds, each a name and a file; the same seed gives the same ones."""

import random
import struct
import zlib

from PIL import Image, PngImagePlugin

from tests.chat.images.pictures import (
    encoded,
    endless_scans,
    exif,
    gif_header,
    noisy,
    png_bomb,
    png_chunk,
    png_claim,
    webp_header,
    with_png_chunks,
)

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def small(chance):
    return noisy(chance.randint(1, 80), chance.randint(1, 80), chance.random())


def truncated(chance):
    data = encoded(small(chance), chance.choice(FORMATS))
    return data[: len(data) * chance.randint(0, 100) // 100]


def flipped_bits(chance):
    data = bytearray(encoded(small(chance), chance.choice(FORMATS)))
    for _ in range(chance.choice((1, 3, 30))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def wrong_extension(chance):
    return chance.choice(
        (
            b"Just some words.\n" * chance.randint(1, 50),
            b"<html><script>alert(1)</script>",
            b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
            b"PK\x03\x04" + chance.randbytes(100),
            b"\x7fELF" + chance.randbytes(100),
            chance.randbytes(chance.randint(1, 2000)),
            b"\0" * chance.randint(1, 2000),
        )
    )


def polyglot(chance):
    data = encoded(small(chance), chance.choice(FORMATS))
    if chance.random() < 0.3:  # the beginning of one picture, and the end of another
        second = encoded(small(chance), chance.choice(FORMATS))
        return data[: chance.randrange(len(data))] + second[chance.randrange(len(second)) :]
    other = chance.choice(
        (b"<script>alert(1)</script>", b"PK\x05\x06" + bytes(18), b"%PDF-1.7\n", b"#!/bin/sh\n")
    )
    return data + other if chance.random() < 0.7 else other + data


def bomb(chance):
    side = chance.choice((6000, 9000, 16000, 30000))
    return chance.choice(
        (
            lambda: png_bomb(6000, 5000),
            lambda: png_claim(side, side),
            lambda: gif_header(side, side),
            lambda: webp_header(side, side),
            lambda: endless_scans(200, 200, 500),
            lambda: _deflated_past_its_end(chance),
        )
    )()


def _deflated_past_its_end(chance):
    side = chance.randint(1, 50)
    pixels = zlib.compress(bytes(20_000_000))
    return png_claim(side, side)[:33] + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def tiny(chance):
    return encoded(Image.new("RGB", (1, 1), "red"), chance.choice(FORMATS))


def thread(chance):
    width, height = chance.choice(((65535, 1), (1, 65535), (8193, 1), (8192, 1), (1, 8192)))
    return encoded(
        Image.new("RGB", (width, height)), chance.choice(("PNG", "GIF", "JPEG")).replace("JPEG", "PNG")
    )


def cmyk(chance):
    data = bytearray(encoded(small(chance).convert("CMYK"), "JPEG"))
    if chance.random() < 0.5:
        data[chance.randrange(2, len(data))] = chance.randrange(256)
    return bytes(data)


def sixteen_bits(chance):
    width, height = chance.randint(1, 40), chance.randint(1, 40)
    colour, samples = chance.choice(((0, 1), (2, 3), (4, 2), (6, 4)))
    rows = b"".join(b"\0" + chance.randbytes(width * samples * 2) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def palette_with_alpha(chance):
    picture = small(chance).convert("P")
    return encoded(picture, transparency=chance.randbytes(chance.choice((1, 16, 256))))


def animation(chance):
    frames = [noisy(chance.randint(1, 60), chance.randint(1, 60), chance.random()) for _ in range(3)]
    if chance.random() < 0.5:
        return encoded(
            frames[0], "GIF", save_all=True, append_images=frames[1:], disposal=chance.randint(0, 2)
        )
    frames = [frame.resize(frames[0].size) for frame in frames]
    return encoded(frames[0], chance.choice(("WEBP", "PNG")), save_all=True, append_images=frames[1:])


def rotated(chance):
    return encoded(small(chance), chance.choice(FORMATS[:3]), exif=exif(chance.randint(0, 12)))


def metadata(chance):
    picture = small(chance)
    kind = chance.randrange(5)
    if kind == 0:
        tags = exif(chance.randint(1, 8))
        tags.get_ifd(0x8825)[29] = "x" * chance.randint(1, 60_000)
        return encoded(picture, "JPEG", exif=tags)
    if kind == 1:
        return encoded(
            picture, chance.choice(FORMATS[:3]), icc_profile=chance.randbytes(chance.randint(1, 60_000))
        )
    if kind == 2:
        return encoded(picture, "WEBP", xmp=b"<x>" * 20_000, exif=chance.randbytes(100))
    if kind == 3:
        text = zlib.compress(bytes(chance.choice((1000, 30_000_000))))
        return with_png_chunks(encoded(picture), *[png_chunk(b"zTXt", b"Comment\0\0" + text)] * 3)
    words = PngImagePlugin.PngInfo()
    words.add_text("Raw profile type exif", "\nexif\n8\n" + chance.randbytes(50).hex())
    return encoded(picture, pnginfo=words)


def disallowed_format(chance):
    return encoded(
        small(chance), chance.choice(("BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "JPEG2000", "DIB"))
    )


def long_name(chance):
    return encoded(small(chance), chance.choice(FORMATS))


# Paths, markup, line ends, a turn of the writing direction, half of a surrogate, formulas.
_ODD = ("/", "..\\", '"', "<b>", "\r\n", "\u202e", "\0", "é", "图", "🖼", "=1+1", ";", "%", "x" * 40)


def _name(kind, chance):
    if kind is long_name:
        return "".join(chance.choices(_ODD, k=chance.choice((3, 30, 1000))))[:10_240] + ".png"
    return f"picture.{chance.choice(('png', 'jpg', 'webp', 'gif', 'exe', 'svg'))}"


KINDS = (
    truncated,
    flipped_bits,
    wrong_extension,
    polyglot,
    bomb,
    tiny,
    thread,
    cmyk,
    sixteen_bits,
    palette_with_alpha,
    animation,
    rotated,
    metadata,
    disallowed_format,
    long_name,
)


def hostile_files(count, seed, kinds=KINDS):
    """Give `count` times the kind's name, the file's name and the file, the kinds in turn."""
    chance = random.Random(seed)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        own = random.Random(chance.random())
        data = kind(own)
        yield kind.__name__, _name(kind, own), data
