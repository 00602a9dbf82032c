"""Draw the four example pictures that the site ships, into static/examples; for maintainers, needs Pillow."""

import math
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

FOLDER = Path(__file__).resolve().parent.parent / "static" / "examples"
SCALE = 2  # drawn at twice the size, then reduced, for smooth edges
Colour = tuple[int, int, int]


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Give Pillow's own scalable font, so that the pictures come out the same on every machine."""
    return ImageFont.load_default(size * SCALE)


def canvas(width: int, height: int, colour: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width * SCALE, height * SCALE), colour)
    return image, ImageDraw.Draw(image)


def scaled(*values: float) -> list[float]:
    return [value * SCALE for value in values]


def save(image: Image.Image, name: str) -> None:
    image = image.resize((image.width // SCALE, image.height // SCALE), Image.Resampling.LANCZOS)
    image.quantize(192, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)


def receipt() -> None:
    """A café's receipt on a table: text to be read, and a sum that can be checked."""
    image, draw = canvas(640, 480, (176, 137, 104))
    for line in range(0, 480, 6):
        shade = 6 * math.sin(line / 17)
        draw.rectangle(scaled(0, line, 640, line + 6), fill=tuple(round(c + shade) for c in (176, 137, 104)))
    draw.ellipse(scaled(30, 250, 190, 410), fill=(245, 242, 236))
    draw.ellipse(scaled(52, 272, 168, 388), fill=(228, 222, 212))
    draw.ellipse(scaled(62, 282, 158, 378), fill=(94, 58, 33))
    draw.ellipse(scaled(84, 304, 124, 330), fill=(150, 106, 70))
    draw.rectangle(scaled(228, 26, 560, 466), fill=(128, 96, 70))
    draw.rectangle(scaled(220, 18, 552, 458), fill=(253, 252, 248))
    ink = (38, 36, 34)
    draw.text(scaled(386, 52), "CAFE LUNA", fill=ink, font=font(30), anchor="mm")
    draw.text(scaled(386, 84), "12 Harbour Street", fill=ink, font=font(16), anchor="mm")
    draw.text(scaled(386, 106), "14 May 2026   09:42", fill=ink, font=font(16), anchor="mm")
    lines = [
        ("2 x Cappuccino", "7.60"),
        ("1 x Orange juice", "3.50"),
        ("2 x Croissant", "5.20"),
        ("1 x Yoghurt", "4.10"),
    ]
    draw.line(scaled(244, 130, 528, 130), fill=ink, width=SCALE)
    for row, (item, price) in enumerate(lines):
        height = 156 + row * 34
        draw.text(scaled(244, height), item, fill=ink, font=font(19), anchor="lm")
        draw.text(scaled(528, height), price, fill=ink, font=font(19), anchor="rm")
    draw.line(scaled(244, 288, 528, 288), fill=ink, width=SCALE)
    draw.text(scaled(244, 318), "TOTAL", fill=ink, font=font(25), anchor="lm")
    draw.text(scaled(528, 318), "20.40", fill=ink, font=font(25), anchor="rm")
    draw.text(scaled(244, 352), "Paid by card", fill=ink, font=font(16), anchor="lm")
    draw.text(scaled(386, 410), "Thank you, see you soon!", fill=ink, font=font(18), anchor="mm")
    save(image, "receipt.png")


def chart() -> None:
    """A bar chart with a title, an axis and values."""
    image, draw = canvas(640, 480, (255, 255, 255))
    ink, muted, bar = (40, 42, 48), (120, 124, 134), (53, 82, 204)
    draw.text(scaled(320, 40), "Bicycles counted per weekday", fill=ink, font=font(25), anchor="mm")
    for value in range(0, 501, 100):
        height = 410 - value * 0.66
        draw.line(scaled(80, height, 600, height), fill=(228, 230, 235), width=SCALE)
        draw.text(scaled(68, height), str(value), fill=muted, font=font(16), anchor="rm")
    for place, (day, value) in enumerate(
        [("Mon", 310), ("Tue", 365), ("Wed", 420), ("Thu", 390), ("Fri", 280)]
    ):
        left = 104 + place * 102
        colour = (240, 140, 0) if day == "Wed" else bar
        draw.rounded_rectangle(scaled(left, 410 - value * 0.66, left + 66, 410), 6 * SCALE, fill=colour)
        draw.text(scaled(left + 33, 396 - value * 0.66), str(value), fill=ink, font=font(18), anchor="mm")
        draw.text(scaled(left + 33, 432), day, fill=ink, font=font(18), anchor="mm")
    draw.line(scaled(80, 410, 600, 410), fill=muted, width=2 * SCALE)
    save(image, "chart.png")


def shapes() -> None:
    """Plain shapes in plain colours, and a sign, to be counted, named and found."""
    image, draw = canvas(640, 480, (238, 242, 246))
    draw.rectangle(scaled(0, 360, 640, 480), fill=(206, 212, 218))
    draw.rectangle(scaled(475, 110, 485, 380), fill=(108, 117, 125))
    draw.rectangle(scaled(70, 210, 250, 390), fill=(214, 48, 49))
    draw.ellipse(scaled(235, 260, 385, 410), fill=(34, 139, 74))
    draw.polygon(scaled(400, 400, 480, 250, 560, 400), fill=(245, 176, 22))
    draw.ellipse(scaled(60, 60, 140, 140), fill=(41, 98, 217))
    draw.ellipse(scaled(165, 60, 245, 140), fill=(41, 98, 217))
    draw.rounded_rectangle(scaled(372, 50, 588, 140), 10 * SCALE, fill=(20, 92, 60))
    draw.rounded_rectangle(scaled(379, 57, 581, 133), 7 * SCALE, outline=(255, 255, 255), width=3 * SCALE)
    draw.text(scaled(480, 95), "PARK 300 m", fill=(255, 255, 255), font=font(29), anchor="mm")
    save(image, "shapes.png")


def landscape() -> None:
    """Mountains before a setting sun, in layers of colour."""
    width, height = 640, 400
    image, draw = canvas(width, height, (0, 0, 0))
    top, bottom = (46, 60, 120), (255, 178, 122)
    for line in range(height * SCALE):
        share = (line / (height * SCALE)) ** 0.8
        colour = tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))
        draw.line([0, line, width * SCALE, line], fill=colour)
    glow = Image.new("RGB", image.size, (255, 214, 150))
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).ellipse(scaled(370, 90, 570, 290), fill=150)
    image.paste(glow, mask=mask.filter(ImageFilter.GaussianBlur(40 * SCALE)))
    draw.ellipse(scaled(425, 145, 515, 235), fill=(255, 236, 190))
    layers = [
        (228, 34, 0.011, 0.4, (146, 110, 148)),
        (272, 40, 0.014, 2.2, (98, 80, 128)),
        (318, 30, 0.019, 4.0, (56, 52, 92)),
    ]
    for base, rise, pace, phase, colour in layers:
        ridge = [
            (
                x * SCALE,
                (base - rise * math.sin(x * pace + phase) - rise * 0.4 * math.sin(x * pace * 3.1 + phase))
                * SCALE,
            )
            for x in range(0, width + 1, 4)
        ]
        draw.polygon([*ridge, (width * SCALE, height * SCALE), (0, height * SCALE)], fill=colour)
    for place in range(9):
        x, foot, tall = 30 + place * 72 + (place % 3) * 9, 400, 62 + (place % 4) * 17
        for part in range(3):
            low, half = foot - part * tall * 0.24, 21 - part * 4
            draw.polygon(scaled(x - half, low, x, low - tall * 0.5, x + half, low), fill=(30, 34, 58))
    save(image, "landscape.png")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for draw_picture in (receipt, chart, shapes, landscape):
        draw_picture()


if __name__ == "__main__":
    main()
