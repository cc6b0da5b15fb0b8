"""What DuckDB reads of segments: counts, times, addresses and a look-up by name. Prints one line of JSON.

usage: duckdb.py 'SEGMENTS/*.parquet' INDICATOR ADDRESS"""
import json
import sys

try:
    import duckdb
except ImportError:
    sys.exit(77)

files, indicator, address = sys.argv[1:]
read = duckdb.connect()


def one(query, *values):
    return read.execute(query, [files, *values]).fetchone()


columns = [name for name, *_ in read.execute("describe select * from read_parquet(?)", [files]).fetchall()]
lines, events, first, last, sensors = one(
    "select count(*), sum(count)::bigint, epoch_us(min(time)::timestamptz), epoch_us(max(time)::timestamptz), count(distinct sensor)"
    " from read_parquet(?)"
)
print(
    json.dumps(
        {
            "columns": columns,
            "lines": lines,
            "events": events,
            "first": first,
            "last": last,
            "sensors": sensors,
            "indicator": one("select count(*) from read_parquet(?) where indicator = ?", indicator)[0],
            "below": one("select count(*) from read_parquet(?) where list_contains(keys, ?)", indicator.split(".", 1)[1])[0],
            "source": one("select count(*) from read_parquet(?) where src = ?", address)[0],
            "threats": one("select count(distinct threat) from read_parquet(?)")[0],
        }
    )
)
