import pytest

from benchmarks.clock import ALPHABET, TOKEN_CHARACTERS, UNIT_NS, WRAP, delay_ms, token
from benchmarks.measures import lateness, most_at_once, quantile, token_times
from benchmarks.tables import summarise, table
from benchmarks.visitors.base import Arrival, Received

MS = 1_000_000


def reply(*written_ms):
    return "".join(token(moment * MS) for moment in written_ms)[1:]


def token_delays(received):
    return [each.delay_ms for each in token_times(received)]


def row(server, cpu, added=20.0, **more):
    return {
        "server": server,
        "streams": 100,
        "tokens_each": 512,
        "cpu_ms_per_1000": cpu,
        "added_p99": added,
        **more,
    }


def test_a_quantile_is_a_value_that_was_measured():
    hundred = list(range(100, 0, -1))
    assert [quantile(hundred, share) for share in (0, 0.5, 0.99, 1)] == [1, 50, 99, 100]
    assert quantile([7.5], 0.99) == 7.5
    assert quantile([3, 1], 0.5) == 1
    assert quantile([], 0.5) is None


def test_a_token_tells_when_it_was_written():
    word = token(1_234_567 * UNIT_NS)
    assert len(word) == TOKEN_CHARACTERS
    assert word[0] == " "
    assert set(word[1:]) <= set(ALPHABET)
    assert delay_ms(word[1:], 1_234_567 * UNIT_NS + 25 * MS) == 25


def test_a_delay_is_right_when_the_clock_began_again_meanwhile():
    assert delay_ms(token((WRAP - 1) * UNIT_NS)[1:], (WRAP + 1) * UNIT_NS) == 2 * UNIT_NS / MS


def test_a_word_that_the_clock_did_not_write_is_no_delay():
    with pytest.raises(KeyError):
        delay_ms("fox,", 0)


def test_a_token_is_read_when_its_last_character_is():
    arrivals = [Arrival(130 * MS, 9), Arrival(145 * MS, 13), Arrival(151 * MS, 14)]
    assert token_delays(Received(arrivals, reply(100, 120, 140))) == [30, 10, 11]


def test_what_was_never_read_has_no_delay():
    assert token_delays(Received([Arrival(130 * MS, 6)], reply(100, 120)[:6])) == [30]


def test_a_worker_is_late_by_its_own_timetable():
    times = token_times(Received([Arrival(200 * MS, 14)], reply(100, 125, 140)))
    assert lateness(times, rate=50) == [0, 5, 0]


def test_streams_are_at_once_where_they_overlap():
    assert most_at_once([]) == 0
    assert most_at_once([(0, 10), (11, 20)]) == 1
    assert most_at_once([(0, 10), (5, 20), (6, 7), (15, 30)]) == 3
    assert most_at_once([(0, 10), (10, 20)]) == 2


def test_a_summary_is_the_median_of_the_runs_and_the_cost_beside_the_relay():
    runs = [row("mmchat", 90.0, 40.0), row("relay", 50.0), row("mmchat", 100.0, 44.0), row("relay", 40.0)]
    runs += [row("mmchat", 400.0, 90.0), row("relay", 45.0), row("relay", 30.0, streams=10)]
    mmchat, relay, alone = summarise(runs)
    assert (mmchat["cpu_ms_per_1000"], mmchat["added_p99"]) == (100, 44)
    assert mmchat["cpu_of_relay"] == pytest.approx(100 / 45)
    assert (relay["server"], relay["cpu_of_relay"]) == ("relay", 1)
    assert (alone["streams"], alone["cpu_ms_per_1000"]) == (10, 30)


def test_a_run_in_which_nothing_came_is_not_hidden_by_the_others():
    runs = [row("gradio", 2000.0, 30.0), row("gradio", None, None), row("gradio", 2100.0, 31.0)]
    (gradio,) = summarise(runs)
    assert gradio["added_p99"] is None
    assert gradio["cpu_of_relay"] is None


def test_a_table_shows_what_is_missing_as_a_dash():
    lines = table(
        [("server", "server"), ("added", "added_p99")], [row("mmchat", 1.0, 1234.5), row("x", 1.0, None)]
    )
    assert lines.split("\n") == ["server  added", "mmchat  1,234", "x           -"]
