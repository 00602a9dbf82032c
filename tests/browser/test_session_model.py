"""The page's session holds what the site has, in whichever order what visitors do and what the site says cross."""

from pathlib import Path

MODEL = Path(__file__).parent / "session_model"
TRIALS = 300


def test_whatever_crosses_the_site_follows_what_is_on_screen(chat):
    chat.page.route(
        "**/session_model/*",
        lambda route: route.fulfill(
            body=(MODEL / route.request.url.rsplit("/", 1)[1]).read_text(), content_type="text/javascript"
        ),
    )
    failures = chat.page.evaluate(
        """async (trials) => {
            const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
            const { Session } = await import(loaded.find((name) => name.includes("/lib/session.")));
            const { failures } = await import("/session_model/trials.js");
            return failures(Session, trials);
        }""",
        TRIALS,
    )
    assert failures == []
