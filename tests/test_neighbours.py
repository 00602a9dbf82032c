"""What went wrong with other such sites, and for each the tests that would fail if it happened here."""

import ast
import uuid

import PIL
import pytest
from django.apps import apps
from django.db.models import UUIDField
from packaging.version import Version

from chat import visitors
from tests.running import ROOT

CHAT, IMAGES = "chat/test_", "chat/images/test_"
ROWS = {
    "a socket is opened from another origin or a sibling subdomain": {
        "sockets/test_bad_input": ["test_a_handshake_from_another_origin_is_denied"],
    },
    "somebody reads another's chat, image or stream by its id": {
        CHAT + "whose_it_is": [
            "test_every_address_with_an_id_is_somebodys_or_public",
            "test_somebody_elses_is_the_404_of_what_does_not_exist",
        ],
        "sockets/test_whose_it_is": [
            "test_every_id_in_a_frame_is_tried",
            "test_an_id_of_somebody_elses_is_answered_as_one_that_does_not_exist",
        ],
        "test_neighbours": ["test_ids_that_visitors_see_are_random"],
    },
    "somebody who was banned or demoted keeps an open socket": {
        "sockets/test_two_processes": [
            "test_the_sockets_of_a_visitor_who_is_blocked_close_at_both_processes_within_5_seconds"
        ],
        "sockets/test_limits": ["test_staff_are_never_refused"],
    },
    "anyone registers a worker": {
        "chat/controller/test_who_may_call": ["test_a_wrong_secret_looks_like_a_path_that_does_not_exist"],
    },
    "a worker's address reaches inside the network": {
        "chat/workers/test_addresses": [
            "test_an_address_outside_the_networks_is_forbidden",
            "test_odd_spellings_and_other_schemes_are_forbidden",
            "test_a_name_passes_only_when_all_its_addresses_do",
        ],
        "faults/test_worker": ["test_no_text"],  # a redirect is one of its faults
    },
    "a picture unpacks to gigabytes, or hits a bug of a decoder": {
        IMAGES + "decoding": [
            "test_too_many_pixels_are_refused_by_the_header_alone",
            "test_a_bomb_is_refused_before_it_is_unpacked",
            "test_a_thread_of_65535_pixels_is_too_long",
            "test_other_formats_are_refused_with_the_names_of_those_that_work",
            "test_only_the_first_frame_of_an_animation_is_read",
            "test_nothing_but_pixels_is_stored",
        ],
        IMAGES + "pool": [
            "test_a_child_that_dies_of_a_picture_costs_that_picture_only",
            "test_a_picture_that_takes_too_much_memory_is_given_up",
            "test_a_picture_that_takes_too_much_computing_is_given_up",
        ],
        IMAGES + "hostile_files": ["test_hostile_files_end_well"],
        "test_neighbours": ["test_pillow_has_the_mended_jpeg_decoder"],
    },
    "model text, file names, formulas, images or links become scripts": {
        "browser/test_hostile_texts": [
            "test_there_are_more_than_three_hundred_and_each_is_another_one",
            "test_a_reply_stays_text_while_it_streams",
            "test_titles_in_the_history_are_text",
            "test_file_names_descriptions_questions_and_stored_replies_are_text",
            "test_a_public_link_shows_text",
            "test_a_saved_page_shows_text",
        ],
    },
    "a visitor's text becomes a script before moderators": {
        "browser/test_hostile_texts": ["test_comments_in_the_administration_are_text"],
    },
    "a cell of an export acts as a formula": {
        "feedback/test_export_formats": ["test_no_cell_of_csv_begins_a_formula_and_every_one_comes_back"],
    },
    "special tokens that visitors type change roles or image counts": {
        "chat/prompts/test_typed_control_strings": [
            "test_typed_text_never_changes_role_boundaries_or_image_counts"
        ],
        "chat/prompts/test_fastchat": ["test_what_people_type_opens_no_turn_ends_none_and_is_no_image"],
        "sockets/test_bad_input": ["test_special_tokens_are_stored_as_typed"],
    },
    "a forged X-Forwarded-For dodges limits": {
        CHAT + "addresses": ["test_the_rightmost_hop_that_is_no_proxy_is_the_visitor"],
        "chat/limits/test_over_http": [
            "test_a_forged_header_makes_no_new_address",
            "test_behind_a_trusted_proxy_what_the_client_adds_makes_no_new_address",
            "test_an_ipv6_address_counts_by_its_64_bits",
        ],
        "sockets/test_limits": ["test_a_forged_header_makes_no_new_address_of_a_socket"],
    },
    "every failure reads as high traffic": {
        "test_layers": ["test_every_error_of_workers_has_words_for_visitors"],
        "test_docs": ["test_every_error_code_is_described"],
        "faults/test_worker": ["test_refused", "test_no_text", "test_partial_text"],
    },
    "the moderation call breaks on a quote and lets everything pass": {
        "chat/moderation/test_openai": [
            "test_a_text_beside_a_quote_is_still_checked",
            "test_an_answer_that_is_none_refuses_when_closed_and_allows_when_open",
        ],
        "chat/moderation/test_pipeline": ["test_each_check_says_what_happens_without_an_answer"],
        "sockets/test_moderated_site": ["test_a_check_that_is_down_refuses_by_default"],
    },
    "the files of a deleted chat stay": {
        "feedback/test_purge": [
            "test_nothing_is_left_of_who_deleted_everything_and_all_of_who_did_not",
            "test_a_deleted_conversation_goes_with_its_pictures_and_leaves_the_rest_of_the_visitor",
            "test_the_lives_of_these_tests_have_a_row_in_every_table_that_can_hold_something_of_a_visitor",
        ],
        "sockets/test_two_processes": [
            "test_deleting_everything_closes_the_pages_at_both_processes_and_leaves_nothing_in_redis"
        ],
    },
}


@pytest.mark.parametrize("row", ROWS)
def test_it_has_tests(row):
    assert ROWS[row]
    for file, names in ROWS[row].items():
        tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8"))
        there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert set(names) - there == set(), file


def test_pillow_has_the_mended_jpeg_decoder():
    assert Version(PIL.__version__) >= Version("13.0.0")


def test_ids_that_visitors_see_are_random():
    """122 random bits: those of a UUID of version 4, or one made of a visitor's key, which is such a one."""
    keys = {
        model: model._meta.pk
        for model in apps.get_models()
        if model._meta.app_label in ("chat", "feedback") and isinstance(model._meta.pk, UUIDField)
    }
    names = {model.__name__ for model in keys}
    assert {"Visitor", "Conversation", "Message", "Upload"} <= names
    drawn_elsewhere = {model.__name__ for model, key in keys.items() if key.default is not uuid.uuid4}
    assert drawn_elsewhere == {"LeftPage"}  # a moderator's own page draws it, and only says that it was left
    assert apps.get_model("chat", "SharedLink")._meta.get_field("key").default is uuid.uuid4
    assert visitors.key_in_cookie(str(uuid.uuid4())) is None  # a key counts with the site's signature alone
