"""Writes the Parquet files of the tests, and the same tables as CSV.

    python3 make.py FOLDER

Made with pyarrow 26.0.1; the files are committed beside this script.
"""

import datetime
import decimal
import pathlib
import sys

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

folder = pathlib.Path(sys.argv[1])
ROWS = 60


def gaps(values):
    """Every seventh value is missing."""
    return [None if row % 7 == 3 else value for row, value in enumerate(values)]


rows = range(ROWS)
day = datetime.date(2012, 1, 30)
moment = datetime.datetime(2012, 1, 30, 22, 15, 30)
columns = {
    "small": pa.array([row % 100 - 50 for row in rows], pa.int8()),
    "short": pa.array(gaps([row * 311 - 9000 for row in rows]), pa.int16()),
    "unsigned": pa.array([4294967295 - row for row in rows], pa.uint32()),
    "long": pa.array(gaps([(row * 7919) % 1000003 for row in rows]), pa.int64()),
    "wide": pa.array(gaps([row * 0.1 - 1.7 for row in rows]), pa.float64()),
    "single": pa.array([row * 0.25 - 3 for row in rows], pa.float32()),
    "half": pa.array([row * 0.5 for row in rows], pa.float16()),
    "truth": pa.array(gaps([row % 3 == 0 for row in rows]), pa.bool_()),
    "price": pa.array(gaps([decimal.Decimal(row * 199 - 4000) / 100 for row in rows]), pa.decimal128(9, 2)),
    "room": pa.array(gaps([["red", "grün", "007", "a,b"][row * 5 % 4] for row in rows]), pa.string()),
    "coded": pa.array(gaps([["low", "high"][row // 2 % 2] for row in rows])).dictionary_encode(),
    "day": pa.array([day + datetime.timedelta(days=row) for row in rows], pa.date32()),
    "moment": pa.array([moment + datetime.timedelta(hours=7 * row) for row in rows], pa.timestamp("us")),
    "y": pa.array([["no", "yes"][row * row % 7 % 2] for row in rows], pa.string()),
}
table = pa.table(columns)
csv.write_csv(table.set_column(6, "half", table["half"].cast(pa.float32())), folder / "types.csv")
for codec in ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]:
    pq.write_table(table, folder / f"{codec}.parquet", compression=codec, row_group_size=40, write_statistics=False)
pq.write_table(table, folder / "version-2.parquet", data_page_version="2.0", compression="zstd", version="2.6")
pq.write_table(
    table,
    folder / "encodings.parquet",
    use_dictionary=False,
    compression="none",
    column_encoding={
        "short": "DELTA_BINARY_PACKED",
        "long": "DELTA_BINARY_PACKED",
        "wide": "BYTE_STREAM_SPLIT",
        "single": "BYTE_STREAM_SPLIT",
        "room": "DELTA_BYTE_ARRAY",
        "y": "DELTA_LENGTH_BYTE_ARRAY",
    },
)
pq.write_table(table.slice(0, 31), folder / "part-1.parquet")
pq.write_table(table.slice(31).select(list(reversed(table.column_names))), folder / "part-2.parquet")

nested = pa.table({
    "a": [1.0, 2.0, 3.0, 4.0],
    "tags": [["x"], [], ["y", "z"], None],
    "place": [{"lat": 1.0, "lon": 2.0}] * 4,
    "y": ["k", "l", "k", "l"],
})
pq.write_table(nested, folder / "nested.parquet")
pq.write_table(pa.table({"a": [1.0, float("nan"), float("inf"), 2.0], "y": [1, 2, 1, 2]}), folder / "not-finite.parquet")
pq.write_table(pa.table({"a": [2**53 + 1, 1, 2, 3], "y": [1.5, 2, 1, 2]}), folder / "long-integers.parquet")
pq.write_table(pa.table({"a": pa.array([b"\xff\xfe", b"a", b"b", b"a"], pa.binary()), "y": [1, 2, 1, 2]}), folder / "bytes.parquet")
pq.write_table(pa.table({"a": pa.array([], pa.float64()), "y": pa.array([], pa.string())}), folder / "no-rows.parquet")
pq.write_table(table.select(["wide", "y"]), folder / "int96.parquet", use_deprecated_int96_timestamps=True)
pq.write_table(table.select(["moment", "y"]), folder / "int96.parquet", use_deprecated_int96_timestamps=True)


# Files of some hundred bytes that claim what they cannot hold, in Thrift's compact protocol by hand.
def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def struct(*fields):
    """Fields as (number, kind, bytes): 5 and 6 are integers, 8 is a text, 9 a list, 12 a struct."""
    out, last = b"", 0
    for number, kind, value in fields:
        out += bytes([(number - last) << 4 | kind]) + value
        last = number
    return out + b"\0"


def number(value):
    return varint(value << 1 ^ value >> 63)


def text(value):
    return varint(len(value)) + value


def structs(*values):
    return bytes([len(values) << 4 | 12]) + b"".join(values)


def file(pages, rows, optional, codec=0, kind=5, dictionary=False):
    """One column `a` of the physical type `kind`."""
    root = struct((4, 8, text(b"schema")), (5, 5, number(1)))
    leaf = struct((1, 5, number(kind)), (3, 5, number(int(optional))), (4, 8, text(b"a")))
    first = 4 if not dictionary else 4 + dictionary
    fields = [
        (1, 5, number(kind)),
        (2, 9, bytes([1 << 4 | 5]) + number(0)),
        (3, 9, bytes([1 << 4 | 8]) + text(b"a")),
        (4, 5, number(codec)),
        (5, 6, number(rows)),
        (6, 6, number(len(pages))),
        (7, 6, number(len(pages))),
        (9, 6, number(first)),
    ]
    if dictionary:
        fields.append((11, 6, number(4)))
    chunk = struct((2, 6, number(4)), (3, 12, struct(*fields)))
    group = struct((1, 9, structs(chunk)), (2, 6, number(len(pages))), (3, 6, number(rows)))
    footer = struct((1, 5, number(1)), (2, 9, structs(root, leaf)), (3, 6, number(rows)), (4, 9, structs(group)))
    return b"PAR1" + pages + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def data_page(values, body, unpacked=None, encoding=0):
    header = struct((1, 5, number(values)), (2, 5, number(encoding)), (3, 5, number(3)), (4, 5, number(3)))
    unpacked = len(body) if unpacked is None else unpacked
    return struct((1, 5, number(0)), (2, 5, number(unpacked)), (3, 5, number(len(body))), (5, 12, header)) + body


BILLION = 1_000_000_000
levels = varint(BILLION << 1) + b"\0"
run = len(levels).to_bytes(4, "little") + levels
pages = data_page(3, bytes(24))
(folder / "three-zeros.parquet").write_bytes(file(pages, 3, False))
(folder / "claims-rows.parquet").write_bytes(file(data_page(BILLION, run), BILLION, True))
(folder / "claims-page.parquet").write_bytes(file(data_page(3, bytes(40), unpacked=2**31 - 1), 3, False, codec=2))
entries = struct((1, 5, number(BILLION)), (2, 5, number(0)))
first = struct((1, 5, number(2)), (2, 5, number(24)), (3, 5, number(24)), (7, 12, entries)) + bytes(24)
codes = data_page(3, b"\x01\x03\x00", encoding=8)
(folder / "claims-dictionary.parquet").write_bytes(file(first + codes, 3, False, dictionary=len(first)))

import pyarrow.parquet.encryption as pe


class Kms(pe.KmsClient):
    def __init__(self, _):
        pe.KmsClient.__init__(self)

    def wrap_key(self, key, _):
        return key.hex().encode()

    def unwrap_key(self, key, _):
        return bytes.fromhex(key.decode())


for name, plain in [("encrypted", False), ("encrypted-column", True)]:
    configuration = pe.EncryptionConfiguration(
        footer_key="k", column_keys={"c": ["wide"]}, plaintext_footer=plain, double_wrapping=False
    )
    properties = pe.CryptoFactory(Kms).file_encryption_properties(pe.KmsConnectionConfig(), configuration)
    with pq.ParquetWriter(folder / f"{name}.parquet", table.select(["wide", "y"]).schema, encryption_properties=properties) as writer:
        writer.write_table(table.select(["wide", "y"]))
