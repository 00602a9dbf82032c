"""The images of a message before it is sent: their order, their size, the camera, and how far they are."""

import base64
import io
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.chat_page import EXAMPLES

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
THREE = ("receipt.png", "chart.png", "shapes.png")


def names(chat):
    return chat.thumbnails.get_by_role("img").evaluate_all("(pictures) => pictures.map(({ alt }) => alt)")


def size_of(data):
    with Image.open(io.BytesIO(data)) as picture:
        return picture.size


def middle(chat, index):
    box = chat.thumbnails.nth(index).get_by_role("img").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_images_are_put_in_order_with_the_mouse_and_sent_so(chat, worker):
    chat.add_image(*THREE)
    chat.page.mouse.move(*middle(chat, 2))
    chat.page.mouse.down()
    chat.page.mouse.move(*middle(chat, 0), steps=6)
    chat.page.mouse.up()
    assert names(chat) == ["shapes.png", "receipt.png", "chart.png"]
    expect(chat.page.get_by_role("dialog")).to_have_count(0)  # letting go is no click
    expect(chat.thumbnails.first).to_contain_text("1")
    chat.reload()
    expect(chat.thumbnails).to_have_count(3)
    assert names(chat) == ["shapes.png", "receipt.png", "chart.png"]
    chat.ask_and_wait()
    expect(chat.questions.last.get_by_role("img").first).to_have_attribute("alt", "shapes.png")
    sent = [size_of(base64.b64decode(image)) for image in worker.requests[0]["images"]]
    assert sent == [
        size_of((EXAMPLES / name).read_bytes()) for name in ("shapes.png", "receipt.png", "chart.png")
    ]


def test_images_are_put_in_order_with_a_finger(open_page, worker):
    chat = open_page(**PHONE)
    chat.add_image(*THREE)
    session = chat.page.context.new_cdp_session(chat.page)
    way = [middle(chat, 0), middle(chat, 1), middle(chat, 2)]
    for kind, (x, y) in zip(["touchStart", "touchMove", "touchMove"], way, strict=True):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert names(chat) == ["chart.png", "shapes.png", "receipt.png"]
    chat.expect_no_sideways_scrolling()
    chat.expect_accessible()
    chat.picture("phone-images")


def test_images_are_put_in_order_by_keyboard(chat):
    chat.add_image(*THREE)
    keys = chat.page.keyboard
    receipt = chat.page.get_by_role("button", name=re.compile("^Look at receipt.png, image"))
    receipt.focus()
    keys.press("ArrowRight")
    assert names(chat) == ["chart.png", "receipt.png", "shapes.png"]
    expect(receipt).to_be_focused()
    expect(chat.page.locator("#announcer")).to_have_text("receipt.png is now image 2 of 3.")
    later = chat.button("Move receipt.png to the back")
    later.focus()
    keys.press("Enter")
    assert names(chat) == ["chart.png", "shapes.png", "receipt.png"]
    expect(receipt).to_be_focused()  # the button that was pressed has nothing more to do
    keys.press("ArrowRight")
    assert names(chat) == ["chart.png", "shapes.png", "receipt.png"]
    chat.expect_accessible()


def test_an_image_can_be_looked_at_before_it_is_sent(chat):
    chat.add_image("receipt.png")
    chat.button("Look at receipt.png").click()
    expect(
        chat.page.get_by_role("dialog", name="receipt.png").get_by_role("img", name="receipt.png")
    ).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.button("Look at receipt.png")).to_be_focused()


def photo(width, height, **options):
    """A photo as a phone stores it: lying on its side, with a note that says so, and where it was taken."""
    picture = Image.new("RGB", (width, height), "blue")
    picture.paste("red", (0, 0, width // 2, height // 2))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90° to the right
    exif[0x010E] = "taken at home"
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif, **options)
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def add(chat, file):
    """Add a file; give the bytes that were sent of it."""
    chat.page.evaluate(
        """() => {
            const { send } = XMLHttpRequest.prototype;
            XMLHttpRequest.prototype.send = function (form) {
                window.sent = form.get("image");
                return send.call(this, form);
            };
        }"""
    )
    chat.button("Add image").set_input_files(file)
    expect(chat.thumbnails.last).to_have_attribute("data-state", "ready")
    return bytes(chat.page.evaluate("async () => [...new Uint8Array(await window.sent.arrayBuffer())]"))


def test_a_large_photo_is_made_smaller_first_upright_and_without_its_notes(chat, site):
    large = photo(4000, 2000)
    sent = add(chat, large)
    assert len(sent) < len(large["buffer"])
    assert b"taken at home" not in sent
    assert b"Exif" not in sent
    width, height, name = site.newest_image("width, height, file")
    assert (width, height) == (1536, 3072)
    with Image.open(site.folder / "media" / name) as stored:
        red, _, blue = stored.getpixel((1400, 100))  # its upper left corner is now at the upper right
        assert red > 200 > 60 > blue
        assert stored.getpixel((100, 100))[2] > 200
    expect(chat.thumbnails.get_by_role("img")).to_have_attribute("alt", "photo.jpg")


def test_a_photo_of_more_pixels_than_the_site_takes_is_made_small_enough(chat, site):
    add(chat, photo(8000, 4000, quality=30))
    assert site.newest_image() == (1536, 3072)


def test_an_image_that_is_small_enough_is_sent_as_it_is(chat):
    small = photo(600, 400)
    assert add(chat, small) == small["buffer"]


def test_a_site_can_ask_for_images_as_they_are(chat):
    chat.add_image("shapes.png")  # what makes images smaller comes with the first one
    same = chat.page.evaluate(
        """async () => {
            const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
            const { scaledDown } = await import(loaded.find((name) => name.includes("/lib/scaling.")));
            const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 20 });
            const blob = await new Promise((resolve) => canvas.toBlob(resolve));
            const file = new File([blob], "small.png", { type: "image/png" });
            const broken = new File(["no picture"], "broken.png", { type: "image/png" });
            const scaled = await scaledDown(file, 10);
            const { width, height } = await createImageBitmap(scaled);
            return [(await scaledDown(file, 0)) === file, (await scaledDown(broken, 10)) === broken, width, height];
        }"""
    )
    assert same == [True, True, 10, 5]


def test_how_much_of_an_image_is_sent_is_shown_in_percent(chat):
    session = chat.page.context.new_cdp_session(chat.page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 20_000}
    session.send("Network.emulateNetworkConditions", slow)
    noise = io.BytesIO()
    Image.effect_noise((400, 300), 80).save(noise, "PNG")
    file = {"name": "noise.png", "mimeType": "image/png", "buffer": noise.getvalue()}
    chat.button("Add image").set_input_files(file)
    expect(chat.thumbnails.locator('[data-part="percent"]')).to_have_text(re.compile(r"^[1-9]\d? %$"))
    expect(
        chat.page.get_by_role("progressbar", name=re.compile(r"^Uploading noise.png: [1-9]\d? %$"))
    ).to_be_visible()
    session.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")
    expect(chat.thumbnails.get_by_role("progressbar")).to_have_count(0)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_phone_offers_its_camera(open_page, worker, size):
    chat = open_page(**(PHONE if size == "phone" else {}))
    camera = chat.button("Take a photo")
    if size == "desktop":
        expect(camera).to_be_hidden()
        return
    expect(camera).to_be_visible()
    expect(camera).to_have_attribute("capture", "environment")
    camera.set_input_files("static/examples/shapes.png")
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")
    chat.expect_no_sideways_scrolling()
