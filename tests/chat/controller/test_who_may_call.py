import pytest
from django.test import Client

CALLS = [
    "register_worker",
    "receive_heart_beat",
    "refresh_all_workers",
    "list_models",
    "list_multimodal_models",
    "list_language_models",
    "get_worker_address",
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "secret", ["wrong", "the-secre", "the-secret2", "THE-SECRET", "§", "%00", "the-secret%0a"]
)
def test_a_wrong_secret_looks_like_a_path_that_does_not_exist(controller, client, call, secret):
    for method in (client.post, client.get):
        unknown = method("/no/such/path")
        refused = method(f"/workers/{secret}/{call}")
        assert refused.status_code == unknown.status_code == 404
        assert refused.content == unknown.content
        assert sorted(refused.headers) == sorted(unknown.headers)


def test_an_unknown_call_is_a_404(controller):
    assert controller.raw("worker_generate_stream", b"{}").status_code == 404


@pytest.mark.parametrize("call", CALLS)
def test_only_post_is_taken(controller, client, call):
    for method in (client.get, client.put, client.delete, client.options):
        assert method(controller.path(call)).status_code == 405


def test_workers_need_no_csrf_token(controller):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(controller.path("list_models")).json() == {"models": []}
