"""Tables of samples, CSV and Parquet, read by pyarrow once their size has been looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ncengine.own import columns, labels
from ncengine.own.columns import Layout
from ncengine.own.limits import Budget, Limits
from ncengine.own.parts import Bundle
from ncengine.own.terms import BIAS, LABELS, WEIGHT, FileName, not_read
from ncengine.own.words import Told, in_words, shown

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 2**20
# So long a row can be.
_LINE = 2**23
_DELIMITERS = b",;\t"
_ROWS_AT_ONCE = 2**14
# So many cells of a column tell what is in it.
_LOOKED_AT = 2**14


def read(
    file: BinaryIO, name: str, ending: str, named: FileName, budget: Budget
) -> tuple[list[Bundle], list[str]]:
    """What a table holds, a row a sample, by the ending of its name; and what is not read of it.

    A damaged one can end the process: see `apart`.

    Raises:
        ValueError: it is damaged, too large, or says nothing of what is in it; in one line.
    """
    return (read_csv if ending == ".csv" else read_parquet)(file, name, named, budget)


def read_csv(
    file: BinaryIO, name: str, named: FileName, budget: Budget
) -> tuple[list[Bundle], list[str]]:
    """The same of CSV, of columns parted by commas, semicolons, tabs or spaces.

    Numbers have points, or where columns are not parted by commas, commas. Nothing in a cell is
    computed.
    """
    import pyarrow.csv as csv
    import pyarrow.types as types

    with in_words(name):
        delimiter, headed, point = _first_lines(file, name, budget.limits)
        _count(file, name, delimiter, budget)
        file.seek(0)
        batches = csv.open_csv(
            file,
            csv.ReadOptions(
                use_threads=False, block_size=_LINE, autogenerate_column_names=not headed
            ),
            csv.ParseOptions(delimiter=delimiter.decode()),
            csv.ConvertOptions(decimal_point=point),
        )
        if any(types.is_binary(field.type) for field in batches.schema):
            raise Told(f"{name}: is no text in UTF-8")
        if not headed and named.role not in (WEIGHT, BIAS, LABELS, "features"):
            raise Told(
                f"{name}: its first line must name the columns: label, and features in order"
            )
        return _taken(batches, batches.schema, name, named)


def _first_lines(file: BinaryIO, name: str, limits: Limits) -> tuple[bytes, bool, str]:
    """What parts the columns, whether the first line names them, and what is before decimals."""
    file.seek(0)
    line, second = file.readline(_LINE), file.readline(_LINE)
    if b"\0" in line:
        raise Told(f"{name}: is no text in UTF-8")
    line = line.removeprefix(b"\xef\xbb\xbf")
    delimiter = max((bytes([one]) for one in _DELIMITERS), key=line.count)
    for one in (b";", b"\t"):
        if one in line and all(map(_has_comma_at_most, _cells(line, one))):
            delimiter = one  # its commas are those of numbers
    if not line.count(delimiter) and b" " in line.strip():
        delimiter = b" "  # as numpy.savetxt writes it
    _check_columns(name, line.count(delimiter) + 1, limits)
    numbers = _has_comma_at_most if delimiter != b"," else _is_number
    headed = not all(map(numbers, _cells(line, delimiter))) or _is_counted(line, delimiter)
    some = [cell for cell in _cells(second if headed else line, delimiter) if numbers(cell)]
    commas = delimiter != b"," and any(b"," in cell for cell in some)
    commas = commas and not any(b"." in cell for cell in some)
    return delimiter, headed, "," if commas else "."


def _cells(line: bytes, delimiter: bytes) -> list[bytes]:
    return [cell.strip(b' "\r\n') for cell in line.split(delimiter)]


def _is_counted(line: bytes, delimiter: bytes) -> bool:
    """Whether its cells are 0, 1, 2 …, as pandas calls columns that nobody named."""
    cells = _cells(line, delimiter)
    return len(cells) > 2 and cells == [str(n).encode() for n in range(len(cells))]


def _has_comma_at_most(cell: bytes) -> bool:
    """Whether it is a number, which may have a comma in place of its point."""
    return _is_number(cell if b"." in cell else cell.replace(b",", b".", 1))


def _is_number(cell: bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _check_columns(name: str, count: int, limits: Limits) -> None:
    # Beside features there are a label, a step, an index.
    if count > limits.width + 8:
        raise Told(f"{name}: {count:,} columns; {limits.width:,} features at most are read")


def _count(file: BinaryIO, name: str, delimiter: bytes, budget: Budget) -> None:
    """Take from the budget what as many cells take, as there can be."""
    file.seek(0)
    cells = 0
    while block := file.read(_BLOCK):
        cells += block.count(delimiter) + block.count(b"\n") + block.count(b"\r")
    budget.take(name, 8 * cells)


def read_parquet(
    file: BinaryIO, name: str, named: FileName, budget: Budget
) -> tuple[list[Bundle], list[str]]:
    """The same of Parquet, in which features may be one column of lists, too."""
    import pyarrow.parquet as parquet

    with in_words(name):
        # Of texts a dictionary, however often a long one comes: unpacked it could be any size.
        opened = parquet.ParquetFile(file)
        schema, about = opened.schema_arrow, opened.metadata
        _check_columns(name, len(schema), budget.limits)
        _check_columns(name, about.num_columns, budget.limits)
        wanted = [field.name for field in schema if _kind(field.type)]
        texts = [field.name for field in schema if _kind(field.type) == "text"]
        budget.take(name, 8 * _values(about, set(wanted)))
        opened = parquet.ParquetFile(
            file,
            read_dictionary=texts,
            thrift_string_size_limit=_LINE,
            thrift_container_size_limit=10**6,
        )
        batches = opened.iter_batches(_ROWS_AT_ONCE, columns=wanted, use_threads=False)
        left = [field.name for field in schema if not _kind(field.type)]
        found, notes = _taken(batches, schema, name, named, about.num_rows)
        return found, [*not_read(name, left), *notes]


def _values(about: Any, wanted: set[str]) -> int:
    """How many numbers the columns say that they hold."""
    total = about.num_rows
    for group in range(about.num_row_groups):
        for n in range(about.num_columns):
            column = about.row_group(group).column(n)
            if column.path_in_schema.partition(".")[0] in wanted:
                total += max(column.num_values, 0)
    return total


def _kind(of: pa.DataType) -> str | None:
    """What a column can be read as: "number", "list" of these, or "text"; else None."""
    import pyarrow.types as types

    if types.is_dictionary(of):
        of = of.value_type
    if types.is_boolean(of) or types.is_integer(of) or types.is_floating(of):
        return "number"
    if types.is_decimal(of) or types.is_null(of):
        return "number"
    if types.is_list(of) or types.is_large_list(of) or types.is_fixed_size_list(of):
        return "list" if _kind(of.value_type) == "number" else None
    return "text" if types.is_string(of) or types.is_large_string(of) else None


def _taken(
    batches: Any, schema: pa.Schema, name: str, named: FileName, rows: int | None = None
) -> tuple[list[Bundle], list[str]]:
    """The bundles of a table that comes piece by piece, which hold numbers and labels alone."""
    kinds = {field.name: _kind(field.type) for field in schema}
    layout = columns.laid_out(schema.names, named, name)
    layout = columns.with_classes(layout, named, [one for one in kinds if kinds[one] == "text"])
    for one in filter(None, (layout.label, layout.step, layout.bias)):
        if kinds[one] is None:
            kind = shown(schema.field(one).type)
            raise Told(f"{name}: {shown(one)} holds {kind}; must be numbers, or labels texts")
    features = tuple(one for one in layout.features if kinds[one] in ("number", "list"))
    left = [one for one in layout.features if kinds[one] == "text"] + list(layout.rest)
    features = _lists_alone(features, kinds, left)
    numbers: list[np.ndarray] = []
    found: dict[str, list[np.ndarray]] = {one: [] for one in (layout.step, layout.bias) if one}
    texts = _Texts(f"{name}: {shown(layout.label)}")
    unread = [one for one in layout.features if kinds[one] == "text"]
    for batch in batches:
        _check_texts(batch, unread, name)
        unread = []  # once is enough
        if features:
            numbers.append(_matrix(batch, features, kinds, name))
        for one, each in found.items():
            each.append(_floats(batch.column(one), one, name))
        if layout.label is not None:
            texts.add(batch.column(layout.label), kinds[layout.label])
    if not (numbers or texts.values) or rows == 0:
        raise Told(f"{name}: has no rows with numbers in them")
    matrix = np.concatenate(numbers) if numbers else None
    others = {one: np.concatenate(each) for one, each in found.items()}
    label = texts.plain() if layout.label is not None else None
    whole = Layout(features, layout.label, layout.step, layout.bias, tuple(left))
    return columns.bundles(name, named, whole, matrix, label, others), not_read(name, left)


def _check_texts(batch: pa.RecordBatch, unread: list[str], name: str) -> None:
    """Raises ValueError where a column is left out for being texts, and most of it is numbers."""
    for called in unread:
        some = [one for one in batch.column(called)[:_LOOKED_AT].to_pylist() if one]
        odd = [one for one in some if not _is_number(one.encode())]
        if odd and 2 * len(odd) < len(some):
            raise Told(
                f"{name}: {shown(called)} holds numbers, and {shown(odd[0], 24)!r}; must be "
                "numbers alone, or be taken out"
            )


def _lists_alone(
    features: tuple[str, ...], kinds: dict[str, str | None], left: list[str]
) -> tuple[str, ...]:
    """Where there is a column of lists, that is the features, and numbers beside it are not."""
    lists = tuple(one for one in features if kinds[one] == "list")
    if not lists:
        return features
    left += [one for one in features if one != lists[0]]
    return lists[:1]


def _matrix(
    batch: pa.RecordBatch, features: tuple[str, ...], kinds: dict[str, str | None], name: str
) -> np.ndarray:
    """(n, d) of a piece of the table."""
    if kinds[features[0]] == "list":
        return _rows_of(batch.column(features[0]), features[0], name)
    matrix = np.empty((batch.num_rows, len(features)))
    for n, one in enumerate(features):
        matrix[:, n] = _floats(batch.column(one), one, name)
    return matrix


def _rows_of(column: pa.Array, called: str, name: str) -> np.ndarray:
    import pyarrow.compute as pc

    lengths = pc.list_value_length(column)
    length = lengths[0].as_py()
    if column.null_count or not length or pc.count_distinct(lengths).as_py() != 1:
        raise Told(f"{name}: {shown(called)}: lists must all be of one length, d numbers")
    return _floats(column.flatten(), called, name).reshape(len(column), length)


def _floats(column: pa.Array, called: str, name: str) -> np.ndarray:
    """What is not there is NaN, of which is told later where it is."""
    import pyarrow as pa
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _kind(column.type) != "number":
        raise Told(f"{name}: column {shown(called)} holds {shown(column.type)}; must be numbers")
    if types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


class _Texts:
    """Labels that come piece by piece."""

    def __init__(self, where: str):
        self.where, self.values = where, list[np.ndarray]()
        self._places: dict[str, int] = {}
        self._numbers = True

    def add(self, column: pa.Array, kind: str | None) -> None:
        import pyarrow.types as types

        if kind == "number" and not types.is_boolean(column.type):
            self.values.append(_floats(column, self.where, "labels"))
            return
        self._numbers = False
        if types.is_boolean(column.type):
            column = column.cast("string")
        if kind == "list" or kind is None:
            raise Told(f"{self.where} holds {shown(column.type)}; must be numbers or texts")
        coded = column if types.is_dictionary(column.type) else column.dictionary_encode()
        if coded.null_count:
            row = sum(map(len, self.values)) + int(np.argmax(coded.is_null().to_numpy(False)))
            raise Told(f"{self.where}[{row}] is empty; must be a class")
        each = [one.as_py() for one in coded.dictionary]
        places = [self._places.setdefault(one, len(self._places)) for one in each]
        self.values.append(np.array(places, np.int64)[coded.indices.to_numpy(False)])

    def plain(self) -> labels.Plain:
        values = np.concatenate(self.values)
        if self._numbers:
            return labels.Plain(self.where, values)
        return labels.named(self.where, list(self._places), values.astype(np.int64))
