"""Count what replies write to the database: `python -m benchmarks.writes`.

On a PostgreSQL of our own, seen from outside. A transaction that writes takes an id from the cluster's counter, one
that reads takes none, so the counter tells transactions that wrote. The statistics of the tables tell rows. A
process's heartbeats, which it writes while nobody asks, are taken off: each is one row and one transaction.
"""

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psycopg

from benchmarks.load import Load, measure, servers
from benchmarks.processes import prepare
from benchmarks.reports import Report
from benchmarks.services import fresh_database, postgresql
from benchmarks.tables import WRITE_COLUMNS, Row, table

# PostgreSQL tells what a session wrote at the latest so long after it fell idle (PGSTAT_IDLE_INTERVAL, and slack).
STATISTICS_SECONDS = 11
SETTLE_SECONDS = 2

# What a reply may write: so many transactions, and so many more for each second that it takes.
AT_MOST = 3
AT_MOST_A_SECOND = 2

_ROWS = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables"
# The id that would be given next; asking so takes none.
_TRANSACTIONS = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"

LOADS = {
    "one at a time": Load(streams=5, tokens=256, ramp=30, limit_seconds=90),
    "100 at once": Load(streams=100, tokens=256),
}


HEARTBEATS = "update chat_serverprocess"


class Written(NamedTuple):
    """What had been written at one moment; rows by table and kind."""

    transactions: int
    rows: Counter[str]


def count(database: psycopg.Connection) -> Written:
    """Count once statistics are in: the transactions up to the call, and the rows up to its end."""
    (transactions,) = database.execute(_TRANSACTIONS).fetchone() or (0,)
    time.sleep(STATISTICS_SECONDS)
    rows: Counter[str] = Counter()
    for table_name, *kinds in database.execute(_ROWS):
        for kind, number in zip(("insert", "update", "delete"), kinds, strict=True):
            rows[f"{kind} {table_name}"] += number
    return Written(transactions, rows)


def for_each(before: Written, after: Written, replies: int) -> Row:
    """Give what was written for each reply, without heartbeats.

    Both moments waited for statistics equally long, so their difference covers as many seconds in rows as in
    transactions; one heartbeat more or less may fall between.
    """
    rows = {name: (number - before.rows[name]) / replies for name, number in after.rows.items()}
    heartbeats = rows.pop(HEARTBEATS, 0)
    transactions = after.transactions - before.transactions - heartbeats * replies
    return {
        "transactions": transactions / replies,
        "rows": sum(rows.values()),
        "by_table": {name: number for name, number in sorted(rows.items()) if abs(number) >= 0.05},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.writes", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    options = parser.parse_args()
    prepare()
    report = Report("writes")
    rows: list[Row] = []
    with postgresql() as cluster, fresh_database(cluster) as url:
        most = max(LOADS.values(), key=lambda load: load.streams)
        with (
            servers("mmchat", most, url) as (server, behind),
            psycopg.connect(url, autocommit=True) as database,
        ):
            time.sleep(SETTLE_SECONDS)
            before = count(database)
            for name, load in LOADS.items():
                measured = measure("mmchat", load, server, behind)
                after = count(database)
                seconds = load.tokens / load.rate
                rows.append(
                    {
                        "load": name,
                        "replies": load.streams,
                        "completed": measured["completed"],
                        "seconds": seconds,
                        "at_most": AT_MOST + AT_MOST_A_SECOND * seconds,
                        **for_each(before, after, load.streams),
                    }
                )
                before = after
    report.write(options.json, runs=rows)
    print(f"{report.heading}\n\n{table(WRITE_COLUMNS, rows)}")
    for row in rows:
        print(f"\nrows for each reply, {row['load']}")
        print("\n".join(f"{number:8.2f}  {name}" for name, number in row["by_table"].items()))


if __name__ == "__main__":
    main()
