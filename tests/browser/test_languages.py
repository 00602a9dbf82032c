"""The page in Chinese: by the browser's wish, by the switch, and with nothing left over in English."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import Failure, Hold

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP: dict = {}
# Names, units and what the worker of these tests says.
NOT_ENGLISH = re.compile(
    r"^(mmchat|English|Top P|token|MB|Shift|Delete|PNG|JPEG|WebP|GIF|JavaScript|receipt|XXXX|JSON|Markdown)$"
)

WORDS = """
() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const names = "kbd, .text, .question-text, .reply-name, .cards, select";
    const ofSomebody = node.parentElement.closest(`script, noscript, ${names}`);
    if (!ofSomebody) found.push(node.textContent);
  }
  const pieces = [document.body, ...Array.from(document.querySelectorAll("template"), ({ content }) => content)];
  for (const piece of pieces) {
    for (const element of piece.querySelectorAll("[aria-label], [title], [placeholder], [alt]")) {
      if (element.closest(".cards, .question")) continue;
      for (const name of ["aria-label", "title", "placeholder", "alt"]) found.push(element.getAttribute(name) ?? "");
    }
  }
  for (const { content } of document.querySelectorAll("template")) found.push(content.textContent);
  return found;
}
"""


def english_on(chat):
    words = {
        word for text in chat.page.evaluate(WORDS) for word in re.findall(r"[A-Za-z][A-Za-z_-]+(?: P)?", text)
    }
    return sorted(word for word in words if not NOT_ENGLISH.match(word))


def chinese(chat, role, name):
    return chat.page.get_by_role(role, name=name, exact=True)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chinese_browser_gets_everything_in_chinese(open_page, worker, size, scheme):
    hold = Hold()
    worker.will_say("一二", hold, "三")
    chat = open_page(locale="zh-CN", color_scheme=scheme, **size)
    expect(chat.page.get_by_role("heading", name="想了解些什么？")).to_be_visible()
    chat.wait_for_connection()
    chat.expect_accessible()
    chat.expect_no_sideways_scrolling()
    assert english_on(chat) == []
    chinese(chat, "textbox", "消息").fill("数到三")
    chinese(chat, "button", "发送").click()
    chat.expect_text("一二")
    assert english_on(chat) == []
    hold.set()
    chat.expect_state("complete")
    expect(chat.page.locator("#announcer")).to_have_text("回答完成。")
    chinese(chat, "button", "踩").click()
    expect(chat.page.get_by_text("问题在哪里？")).to_be_visible()
    chat.page.mouse.move(0, 0)
    chat.expect_accessible()
    chat.expect_no_sideways_scrolling()
    assert english_on(chat) == []
    chat.picture(f"chinese-{'phone' if size else 'desktop'}-{scheme}")


def test_what_the_site_says_over_its_socket_is_in_the_pages_language(open_page, worker):
    worker.will_say(Failure("out of memory"))
    chat = open_page(locale="zh-CN")
    chinese(chat, "textbox", "消息").fill("你好")
    chinese(chat, "button", "发送").click()
    chat.expect_state("failed")
    expect(chat.reply).to_contain_text("请重试")
    chat.expect_own_address()
    chat.reload()
    expect(chat.reply).to_contain_text("请重试")


def test_the_switch_keeps_the_conversation_and_the_draft(open_page, worker):
    worker.will_say("Hello.")
    chat = open_page()
    chat.ask_and_wait("Good morning")
    chat.write("Not sent yet")
    here = chat.page.url
    chat.page.locator("aside").get_by_role("button", name="简体中文").click()
    expect(chinese(chat, "textbox", "消息")).to_have_value("Not sent yet")
    expect(chat.page.get_by_text("Hello.", exact=True)).to_be_visible()
    assert chat.page.url == here
    chat.reload()
    expect(chinese(chat, "button", "发送")).to_be_visible()
    chat.page.locator("aside").get_by_role("button", name="English").click()
    expect(chat.button("Send")).to_be_visible()


def test_on_a_phone_with_a_conversation_the_switch_is_in_the_history(open_page, worker):
    chat = open_page(**PHONE)
    chat.ask_and_wait("Good morning")
    chat.button("History").tap()
    chat.page.get_by_role("dialog").get_by_role("button", name="简体中文").tap()
    expect(chinese(chat, "button", "历史记录")).to_be_visible()


def test_numbers_and_times_are_written_as_the_language_does(open_page, worker):
    chat = open_page(locale="zh-CN", timezone_id="Asia/Shanghai")
    chinese(chat, "textbox", "消息").fill("x" * 20_000)
    expect(chat.page.locator("#counter")).to_have_text("20,000 / 16,000 个字符")
    chinese(chat, "textbox", "消息").fill("你好")
    chinese(chat, "button", "发送").click()
    chat.expect_state("complete")
    chinese(chat, "button", "历史记录").click()
    expect(chat.page.get_by_role("dialog").locator("time").first).to_have_text(
        re.compile(r"^\d{4}年\d{1,2}月\d{1,2}日 \d{2}:\d{2}$")
    )
