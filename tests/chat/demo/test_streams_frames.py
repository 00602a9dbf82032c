import json

from PIL import Image

from tests.chat.demo.conftest import prompt_of


def test_frames_hold_the_prompt_and_the_whole_reply_so_far(demo):
    prompt = prompt_of("count to 5")
    frames = demo.ask("count to 5")
    assert [frame["text"] for frame in frames] == [
        prompt + "1, ",
        prompt + "1, 2, ",
        prompt + "1, 2, 3, ",
        prompt + "1, 2, 3, 4, ",
        prompt + "1, 2, 3, 4, 5",
    ]
    assert {frame["error_code"] for frame in frames} == {0}


def test_a_prompt_of_any_characters_comes_back_unharmed(demo):
    text = 'count to 2, "猫" \\ 😀 \x00\u2028'
    assert demo.ask(text)[-1]["text"] == prompt_of(text) + "1, 2"


def test_a_long_reply_has_a_frame_for_each_token(demo):
    frames = demo.ask("Please count to 500.")
    assert len(frames) == 500
    assert frames[-1]["text"].endswith(" 499, 500")


def test_a_number_of_words_is_written_exactly(demo):
    assert len(demo.reply("Write 321 words about the sea").split()) == 321


def test_the_token_limit_ends_a_reply(demo):
    assert demo.reply("count to 500", max_new_tokens=3) == "1, 2, 3, "


def test_a_limit_of_no_tokens_is_explained_in_one_frame(demo):
    frames = demo.ask("count to 500", max_new_tokens=0)
    assert len(frames) == 1
    assert "more output tokens" in frames[0]["text"]


def test_the_stop_string_ends_a_reply_and_is_not_in_it(demo):
    assert demo.reply("count to 500", stop="12") == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "


def test_pictures_that_do_not_match_the_prompt_end_in_an_error_code(demo):
    with demo.post(prompt=prompt_of("What is it?", 2), images=["AAAA"]) as response:
        (frame,) = [json.loads(part) for part in response.content.split(b"\0")[:-1]]
    assert frame["error_code"] == 1
    assert "does not match" in frame["text"]


def test_a_picture_that_is_none_ends_in_an_error_code(demo):
    for picture in ("no base64 §", "bm8gcGljdHVyZQ=="):
        with demo.post(prompt=prompt_of("What is it?", 1), images=[picture]) as response:
            (frame,) = [json.loads(part) for part in response.content.split(b"\0")[:-1]]
        assert frame["error_code"] == 1


def test_the_status_names_the_model(demo, start_worker):
    other = start_worker("--no-register", "--model-name", "llava-v1.5-7b")
    for one, name in ((demo, "mmchat-demo"), (other, "llava-v1.5-7b")):
        assert one.status() == {"model_names": [name], "speed": 1, "queue_length": 0}


def test_an_internvl2_name_speaks_messages_without_echo(start_worker):
    demo = start_worker("--no-register", "--model-name", "InternVL2-8B")
    picture = Image.new("RGB", (896, 448), "red")
    frames = demo.ask_messages(
        {"role": "system", "content": ""},
        {"role": "user", "content": "What is it?", "image": [picture]},
        {"role": "assistant", "content": "A picture."},
        {"role": "user", "content": "How many tiles has it?", "image": [picture, picture]},
        max_input_tiles=12,
    )
    first, second, *_ = frames[-1]["text"].splitlines()
    cut = "would be cut into 3 tiles, 2 × 1 and a thumbnail, of 448 × 448 pixels (at most 6 allowed)."
    assert (first, second) == (f"1. Picture 1 {cut}", f"2. Picture 2 {cut}")
    assert frames[0]["text"] == "1. "


def test_a_later_question_is_about_the_pictures_shown_last_which_share_the_tiles(start_worker):
    demo = start_worker("--no-register", "--model-name", "InternVL3-2B")
    picture = Image.new("RGB", (1024, 768), "red")
    frames = demo.ask_messages(
        {"role": "system", "content": ""},
        {"role": "user", "content": "Look", "image": [picture, picture]},
        {"role": "assistant", "content": "I looked."},
        {"role": "user", "content": "How many tiles?"},
        max_input_tiles=12,
    )
    assert frames[-1]["text"].count("cut into 7 tiles, 3 × 2") == 2


def test_an_internvl2_name_refuses_two_questions_in_a_row_and_a_rendered_prompt(start_worker):
    demo = start_worker("--no-register", "--model-name", "InternVL2-8B")
    user = {"role": "user", "content": "hello"}
    assert demo.ask_messages({"role": "system", "content": ""}, user, user)[-1]["error_code"] == 1
    assert demo.ask("hello")[-1]["error_code"] == 1
