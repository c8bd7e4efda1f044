"""A web page to one raw record: its main text, and what it says about itself.

The page is handed over as soon as it is read, and waited for when its record is asked for: whoever parses several files
may read the next ones meanwhile. What is found in a page is decided in `extraction` and `page_metadata`; where and
within which bounds that happens, by `ParseOptions.begin_extraction`.
"""

from collections.abc import Callable, Iterator

from transforms.decoding import decode_text
from transforms.extraction import Extraction
from transforms.parse_text import single_record, text_fault
from transforms.raw_batches import ParseOptions, RawBatch, excerpt, single_reject


def parse_html(data: bytes, *, encoding: str | None, options: ParseOptions) -> Iterator[RawBatch]:
    """Yield the record of a page, or the reject of one that gives none."""
    page = decode_text(data, encoding or "utf-8")
    fault = text_fault(page)
    if fault is not None:
        return single_reject(options, *fault, raw=data, byte_end=len(data))
    return _wait(options.begin_extraction(page), options, beginning=excerpt(data), byte_end=len(data))


def _wait(
    extraction: Callable[[], Extraction], options: ParseOptions, *, beginning: str, byte_end: int
) -> Iterator[RawBatch]:
    extracted = extraction()
    if extracted.fault is not None:
        fault = extracted.fault
        yield from single_reject(options, fault.reason, fault.detail, raw=beginning, byte_end=byte_end)
    else:
        yield from single_record(extracted.fields, options, byte_end=byte_end, origins=extracted.origins)
