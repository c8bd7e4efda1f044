"""Plain text to one raw record.

The whole file is the body, line ends and all: where headline, paragraphs and bios are is found in cleaning. A file of
one record has no span but the whole.
"""

from collections.abc import Iterator, Mapping

from transforms.conform import conform_record, join_origins
from transforms.decoding import decode_text, is_binary, is_damaged
from transforms.raw_batches import BatchBuilder, ParseOptions, RawBatch, single_reject


def parse_text(data: bytes, *, encoding: str, options: ParseOptions) -> Iterator[RawBatch]:
    """Yield the record of a text file, or the reject of one that cannot be read."""
    text = decode_text(data, encoding)
    fault = text_fault(text)
    if fault is not None:
        return single_reject(options, *fault, raw=data, byte_end=len(data))
    return single_record({"body": text}, options, byte_end=len(data))


def text_fault(text: str) -> tuple[str, str] | None:
    """Return reason and detail of what makes a decoded text useless; null where nothing does."""
    if not text.strip():
        return "no_records", "the file is blank"
    if is_damaged(text):
        return "undecodable", "bytes that do not fit the encoding of the drop"
    return ("undecodable", "control characters that no text has") if is_binary(text) else None


def single_record(
    fields: dict[str, object],
    options: ParseOptions,
    *,
    byte_end: int,
    origins: Mapping[str, str] | None = None,
) -> Iterator[RawBatch]:
    """Give the one batch of a drop that is one record; `origins` says where fields were found that have no name."""
    builder = BatchBuilder(options)
    record = conform_record(fields, options.names)
    if origins is not None:
        record["origins"] = join_origins(origins)
    builder.add_record(record, byte_start=0, byte_end=byte_end)
    yield builder.take()
