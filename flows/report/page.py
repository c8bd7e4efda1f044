"""The page: everything it shows and needs, in one file.

What others wrote (headlines, names of files and sources, excerpts) is shown and never obeyed. Jinja escapes every
value; before that, characters that would be obeyed unseen, such as changes of direction, are written out. Figures lie
in the page as JSON without a `<`. Behind that stands the page's own policy: it names the digests of our two scripts and
our style sheet, so that a browser runs no other, and it allows no address at all, so that nothing is loaded or sent.

Vega comes from the wheel of vl-convert, which bundles Vega, Vega-Lite and Vega-Embed (0.9 MB) without network, in two
seconds; a copy in our own sources would have to be kept up to date by hand, and no other wheel holds it. Vega compiles
expressions to functions, which a policy without `unsafe-eval` forbids. Vega-Embed brings Vega's own interpreter for
them, and the page's script asks for it (`ast`).
"""

import base64
import hashlib
import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from flows.report.facts import Facts
from flows.report.figures import chart_figures
from flows.report.findings import Findings
from flows.report.sources import SourceRow, State

VEGA_SNIPPET = "window.vegaEmbed = vegaEmbed;"

NOTHING = "–"
"""Stands where there is no value."""

_OBEYED = frozenset("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Characters that change the direction or the lines of what follows; joiners are letters to many scripts, and stay."""


def render(facts: Facts, sources: list[SourceRow], findings: Findings) -> str:
    """Return the page."""
    from flows.report.charts import CONFIG, charts  # noqa: PLC0415 -- altair takes a third of a second to import

    names = [source.name for source in sources]
    figures = {
        **chart_figures(facts, names),
        "sources": list(map(_visible, names)),
        "charts": charts(sources=len(names)),
        "config": CONFIG,
    }
    scripts = [_trusted(_vega()), _trusted(_own("page.js"))]
    style = _trusted(_own("page.css"))
    return (
        _environment()
        .get_template("page.html")
        .render(
            policy=_policy(scripts, style),
            style=style,
            scripts=scripts,
            figures=_as_json(figures),
            window=facts.window,
            totals=facts.totals,
            sources=sources,
            states=_count_states(sources),
            of_source={source.name: source.index for source in sources},
            findings=findings,
            held_back=facts.held_back.rows(named=True),
            runs=facts.runs.rows(named=True),
            tables=facts.tables,
            version=version("copydesk"),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("flows.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "share": _share, "moment": _moment, "day": _day, "worst": _worst}
    return environment


def _shown(value: object) -> object:
    """Return what stands on the page for a value; what was marked as ours stays as it is."""
    if value is None:
        return NOTHING
    return value if not isinstance(value, str) or isinstance(value, Markup) else _visible(value)


def _visible(text: str) -> str:
    return "".join(f"⟨U+{ord(char):04X}⟩" if _is_obeyed(char) else char for char in text)


def _is_obeyed(char: str) -> bool:
    return char in _OBEYED or (unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t")


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:,}"


def _share(part: float, whole: float) -> str:
    """Return a share as a percentage; a little is never shown as nothing, nor almost all as all."""
    if not whole:
        return NOTHING
    if part in {0, whole}:
        return f"{part / whole:.0%}"
    text = f"{part / whole:.1%}"
    if part and text == "0.0%":
        return "<0.1%"
    return ">99.9%" if part < whole and text == "100.0%" else text


def _moment(moment: datetime | None) -> Markup | None:
    """Return a time to the minute; which zone it is in is said beside it, once."""
    if moment is None:
        return None
    moment = moment.astimezone(UTC)
    machine, shown = moment.isoformat(timespec="seconds"), moment.strftime("%Y-%m-%d %H:%M")
    return Markup('<time datetime="{}">{}</time>').format(machine, shown)


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def _count_states(sources: list[SourceRow]) -> Mapping[State, int]:
    return {state: sum(source.state is state for source in sources) for state in State}


def _worst(states: Mapping[State, int]) -> State:
    """Return the most urgent state that a source is in."""
    return next((state for state, count in states.items() if count), State.OK)


def _as_json(figures: Mapping[str, Any]) -> Markup:
    """Write figures so that no text in them can end the element that they lie in."""
    text = json.dumps(figures, separators=(",", ":"), allow_nan=False)  # what is not ASCII is escaped, too
    return _trusted(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _vega() -> str:
    import vl_convert  # noqa: PLC0415 -- starts an engine of its own

    return str(vl_convert.javascript_bundle(VEGA_SNIPPET)).replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _own(name: str) -> str:
    return (files("flows.report") / name).read_text("utf-8")


def _trusted(text: str) -> Markup:
    """Mark as ours, not to be escaped; nothing that was delivered comes here but as JSON."""
    return Markup(text)  # noqa: S704 -- the one place, and these are our own files


def _policy(scripts: list[Markup], style: Markup) -> str:
    """Return a policy under which these run, and nothing else does anything."""
    allowed = " ".join(map(_digest, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_digest(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
