import random

import pytest

from chat.model_worker.decoding import Decoding

TEXT = 'Ein Kätzchen 猫 sagt: "miau" 🐱👩‍👩‍👧, und 数据.\n\n  Ende'


def of_bytes(tokens) -> str:
    return bytes(tokens).decode(errors="replace")


def of_pieces(tokens) -> str:
    """Decode as SentencePiece's decoders do: a word begins with a space, but not the first of a text."""
    return "".join(WORDS[token] for token in tokens).replace("▁", " ").removeprefix(" ")


WORDS = ["▁A", "▁cat", "s", "▁and", "▁dog", "s", ".", "▁"]


def pieces_of(decode, tokens, left_out=()) -> list[str]:
    decoding = Decoding(decode, left_out)
    pieces = [decoding.add(token) for token in tokens]
    assert decoding.whole() == decode([token for token in tokens if token not in left_out])
    return pieces


def test_the_pieces_of_bytes_join_to_the_text_and_none_ends_within_a_character():
    pieces = pieces_of(of_bytes, TEXT.encode())
    assert "".join(pieces) == TEXT
    assert len([piece for piece in pieces if piece]) == len(TEXT)


def test_spaces_between_words_stay_though_no_text_begins_with_one():
    assert pieces_of(of_pieces, range(8)) == ["A", " cat", "s", " and", " dog", "s", ".", " "]


@pytest.mark.parametrize("seed", range(20))
def test_bytes_that_are_no_text_are_told_once_something_follows_them(seed):
    tokens = random.Random(seed).choices(range(256), k=200)
    whole = of_bytes(tokens)
    told = "".join(pieces_of(of_bytes, tokens))
    assert whole.startswith(told)
    assert set(whole[len(told) :]) <= {"\ufffd"}


def test_tokens_that_are_left_out_disturb_nothing():
    cat = list("猫".encode())
    assert pieces_of(of_bytes, [7, cat[0], 7, *cat[1:], 7], {7}) == ["", "", "", "", "猫", ""]


def test_a_long_reply_costs_the_same_for_each_token():
    asked = []

    def decode(tokens):
        asked.append(len(tokens))
        return of_bytes(tokens)

    decoding = Decoding(decode, ())
    for _ in range(5000):
        decoding.add(ord("a"))
    assert max(asked) == 2
