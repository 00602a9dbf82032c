"""What becomes of a picture: pixels, hashes, files."""

import hashlib
import zlib

import pytest
from PIL import Image, ImageOps, PngImagePlugin

from chat.images.errors import ImageRefused
from tests.chat.images.pictures import (
    encoded,
    exif,
    gif_header,
    noisy,
    opened,
    patterned,
    png_bomb,
    png_chunk,
    png_claim,
    webp_header,
    with_png_chunks,
)


def refusal(decode, data, **limits):
    with pytest.raises(ImageRefused) as caught:
        decode(data, **limits)
    return caught.value


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_each_format_is_kept_as_the_pixels_that_pillow_reads(decode, file_format):
    sent = encoded(patterned(), file_format)
    decoded = decode(sent)
    expected = opened(sent).convert("RGB")
    assert decoded.about.source_format == file_format
    assert (decoded.about.width, decoded.about.height) == expected.size
    assert decoded.about.md5 == hashlib.md5(expected.tobytes()).hexdigest()
    stored = opened(decoded.png)
    assert (stored.format, stored.mode) == ("PNG", "RGB")
    assert stored.tobytes() == expected.tobytes()


def test_the_hash_of_a_tall_picture_is_that_of_all_its_rows(decode):
    picture = noisy(33, 1001)
    assert decode(encoded(picture)).about.md5 == hashlib.md5(picture.tobytes()).hexdigest()


def test_one_picture_has_one_hash_in_png_and_in_lossless_webp(decode):
    picture = patterned()
    png, webp = decode(encoded(picture)), decode(encoded(picture, "WEBP", lossless=True))
    assert png.about.md5 == webp.about.md5
    assert png.png == webp.png


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_the_camera_s_rotation_is_applied(decode, orientation, file_format):
    sent = encoded(patterned(), file_format, exif=exif(orientation))
    decoded = decode(sent)
    upright = ImageOps.exif_transpose(opened(sent)).convert("RGB")
    assert opened(decoded.png).tobytes() == upright.tobytes()
    assert (decoded.about.width, decoded.about.height) == upright.size
    assert opened(decoded.png).getexif() == {}


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_a_rotation_that_does_not_exist_is_none(decode, orientation):
    assert decode(encoded(patterned(), exif=exif(orientation))).about.width == 60


def test_broken_camera_data_does_not_spoil_the_picture(decode):
    sent = with_png_chunks(encoded(patterned()), png_chunk(b"eXIf", b"MM\x00\x2a\xff\xff\xff\xff garbage"))
    assert opened(decode(sent).png).tobytes() == patterned().tobytes()


def test_only_the_first_frame_of_an_animation_is_read(decode):
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "green", "blue")]
    for file_format in ("GIF", "WEBP", "PNG"):
        options = {"lossless": True} if file_format == "WEBP" else {}
        sent = encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
        assert opened(decode(sent).png).getpixel((3, 3)) == (255, 0, 0), file_format


def test_a_phone_s_jpeg_of_several_pictures_is_its_first(decode):
    sent = encoded(Image.new("RGB", (32, 16), "red"), "MPO", save_all=True, append_images=[patterned()])
    decoded = decode(sent)
    assert (decoded.about.source_format, decoded.about.width, decoded.about.height) == ("JPEG", 32, 16)


def half_transparent(mode):
    picture = Image.new("RGBA", (2, 1), (200, 0, 0, 255))
    picture.putpixel((1, 0), (200, 0, 0, 0))
    return picture.convert(mode)


def test_transparent_parts_are_white(decode):
    grey = Image.new("LA", (2, 1), (200, 255))
    grey.putpixel((1, 0), (200, 0))
    palette = Image.new("P", (2, 1))
    palette.putpalette([200, 0, 0, 0, 0, 200])
    palette.putpixel((1, 0), 1)
    for name, sent, opaque in (
        ("RGBA", encoded(half_transparent("RGBA")), (200, 0, 0)),
        ("RGBA WebP", encoded(half_transparent("RGBA"), "WEBP", lossless=True), (200, 0, 0)),
        ("LA", encoded(grey), (200, 200, 200)),
        ("palette", encoded(palette, transparency=1), (200, 0, 0)),
        ("palette with alpha", encoded(palette, transparency=b"\xff\x00"), (200, 0, 0)),
        ("GIF", encoded(palette, "GIF", transparency=1), (200, 0, 0)),
        (
            "RGB with a transparent colour",
            encoded(palette.convert("RGB"), transparency=(0, 0, 200)),
            (200, 0, 0),
        ),
    ):
        stored = opened(decode(sent).png)
        assert stored.mode == "RGB"
        assert [stored.getpixel((0, 0)), stored.getpixel((1, 0))] == [opaque, (255, 255, 255)], name


def test_half_transparent_parts_are_mixed_with_white(decode):
    stored = opened(decode(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 128)))).png)
    assert stored.getpixel((1, 1)) == (127, 127, 127)


def test_an_opaque_picture_with_alpha_has_the_hash_of_one_without(decode):
    with_alpha = patterned()
    with_alpha.putalpha(255)
    assert decode(encoded(with_alpha)).about.md5 == hashlib.md5(patterned().tobytes()).hexdigest()


def test_16_bits_are_cut_to_the_upper_8(decode):
    grey = Image.new("I;16", (3, 1))
    for x, value in enumerate((0, 0x80FF, 0xFFFF)):
        grey.putpixel((x, 0), value)
    stored = opened(decode(encoded(grey)).png)
    assert [stored.getpixel((x, 0)) for x in range(3)] == [(0, 0, 0), (128, 128, 128), (255, 255, 255)]


@pytest.mark.parametrize(
    ("mode", "file_format"), [("CMYK", "JPEG"), ("L", "JPEG"), ("1", "PNG"), ("L", "PNG")]
)
def test_other_colour_modes_become_rgb_as_pillow_converts_them(decode, mode, file_format):
    sent = encoded(patterned().convert(mode), file_format)
    assert opened(decode(sent).png).tobytes() == opened(sent).convert("RGB").tobytes()


def test_nothing_but_pixels_is_stored(decode):
    tags = exif(6)
    tags[0x010F] = "SECRET camera"
    tags.get_ifd(0x8825)[1] = "SECRET place"
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SECRET comment")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>SECRET</x:xmpmeta>")
    common = {"exif": tags, "icc_profile": b"SECRET profile", "dpi": (300, 300)}
    for file_format, options in (
        ("PNG", {**common, "pnginfo": text}),
        ("JPEG", {**common, "xmp": b"<x:xmpmeta>SECRET</x:xmpmeta>", "comment": b"SECRET"}),
        ("WEBP", {"exif": tags, "icc_profile": b"SECRET profile", "xmp": b"SECRET", "lossless": True}),
    ):
        sent = encoded(patterned(), file_format, **options)
        assert b"SECRET" in sent
        decoded = decode(sent)
        for stored in (decoded.png, decoded.jpeg, decoded.thumbnail):
            assert b"SECRET" not in stored
            assert not {"exif", "icc_profile", "xmp", "dpi", "comment", "Comment"} & set(opened(stored).info)
        assert {decoded.png[at - 4 : at] for at in _chunks(decoded.png)} == {b"IHDR", b"IDAT", b"IEND"}


def _chunks(png):
    at = 8
    while at < len(png):
        yield at + 8
        at += 12 + int.from_bytes(png[at : at + 4], "big")


def test_a_thumbnail_fits_512_pixels_and_never_grows(decode):
    for size, expected in (((1024, 512), (512, 256)), ((8192, 1), (512, 1)), ((60, 40), (60, 40))):
        thumbnail = opened(decode(encoded(Image.new("RGB", size, "navy"))).thumbnail)
        assert (thumbnail.format, thumbnail.size) == ("WEBP", expected)


def test_the_perceptual_hash_tells_each_pixel_from_its_right_neighbour(decode):
    def hash_of(picture):
        return decode(encoded(picture)).about.difference_hash

    rising = Image.linear_gradient("L").rotate(90)
    assert hash_of(rising) == -1
    assert hash_of(rising.rotate(180)) == 0
    upper_rises = rising.copy()
    upper_rises.paste(rising.rotate(180).crop((0, 128, 256, 256)), (0, 128))
    assert bin(hash_of(upper_rises) & 2**64 - 1).count("1") in range(28, 37)


def test_similar_pictures_have_similar_perceptual_hashes(decode):
    sharp = Image.radial_gradient("L").resize((400, 300)).convert("RGB")
    small = decode(encoded(sharp.resize((200, 150)), "JPEG", quality=50)).about.difference_hash
    different = (decode(encoded(sharp)).about.difference_hash ^ small) & 2**64 - 1
    assert different.bit_count() <= 8


@pytest.mark.parametrize("header", [png_claim, gif_header, webp_header])
def test_too_many_pixels_are_refused_by_the_header_alone(decode, header):
    side = 16000 if header is webp_header else 30000
    refused = refusal(decode, header(side, side))
    assert (refused.code, refused.field, refused.limit) == ("image_too_many_pixels", "image", 25)
    assert "25 megapixels" in refused.text


def test_a_jpeg_of_too_many_pixels_is_refused(decode):
    sent = bytearray(encoded(patterned(), "JPEG"))
    at = sent.index(b"\xff\xc0") + 5
    sent[at : at + 4] = (30000).to_bytes(2, "big") * 2
    assert refusal(decode, bytes(sent)).code == "image_too_many_pixels"


def test_a_bomb_is_refused_before_it_is_unpacked(decode):
    assert refusal(decode, png_bomb(6000, 6000)).code == "image_too_many_pixels"


def test_the_limits_are_the_last_that_pass(decode):
    assert decode(encoded(Image.new("RGB", (100, 50))), pixels=5000, side=100).about.width == 100
    assert refusal(decode, encoded(Image.new("RGB", (100, 50))), pixels=4999).code == "image_too_many_pixels"
    refused = refusal(decode, encoded(Image.new("RGB", (50, 100))), side=99)
    assert (refused.code, refused.limit) == ("image_side_too_long", 99)


def test_a_thread_of_65535_pixels_is_too_long(decode):
    for sent in (encoded(Image.new("RGB", (65535, 1))), encoded(Image.new("RGB", (1, 65535)), "GIF")):
        refused = refusal(decode, sent)
        assert (refused.code, refused.limit) == ("image_side_too_long", 8192)


def test_a_gif_frame_larger_than_its_header_says_is_measured_too(decode):
    sent = bytearray(encoded(Image.new("P", (9000, 2)), "GIF"))
    sent[6:10] = (10).to_bytes(2, "little") * 2
    assert refusal(decode, bytes(sent)).code == "image_side_too_long"


@pytest.mark.parametrize(
    "sent",
    [
        b"Just some words.\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        encoded(patterned(), "BMP"),
        encoded(patterned(), "TIFF"),
        encoded(patterned(), "ICO"),
        encoded(patterned(), "JPEG2000"),
        encoded(patterned(), "PPM"),
    ],
)
def test_other_formats_are_refused_with_the_names_of_those_that_work(decode, sent):
    refused = refusal(decode, sent)
    assert (refused.code, refused.limit) == ("image_format", "PNG, JPEG, WebP, GIF")
    assert "PNG, JPEG, WebP, GIF" in refused.text


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_file_cut_in_its_middle_is_damaged(decode, file_format):
    sent = encoded(noisy(50, 50), file_format)
    assert refusal(decode, sent[: len(sent) // 2]).code == "image_undecodable"


def test_text_that_unpacks_without_end_is_refused(decode):
    bomb = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000)))
    assert refusal(decode, with_png_chunks(encoded(patterned()), bomb)).code == "image_undecodable"
