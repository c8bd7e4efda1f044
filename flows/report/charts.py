"""The charts, as Vega-Lite.

Decides what each chart shows of its rows, and by which marks. Colours are properties of the style sheet, which an SVG
takes like any other text, so that light, dark and paper need no drawing anew; that is also why scales have steps. Where
a colour says how much, the size of the mark or a number says it as well. Leaves the rows to the page's script.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

Drawing = Any
"""A chart, or layers of charts: altair's builders say neither."""

MOST_NUMBERED = 16
"""Sources up to which the cells of their matrix are wide enough for a number."""

ROW_PIXELS = 20

FILL_STEPS = (0.25, 0.5, 0.8, 0.95)
ALARM_STEPS = (0.005, 0.05, 0.2, 0.5)
"""Shares at which a colour changes. A fifth held back opens an incident."""

CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    "aria": False,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "titleFontWeight": "normal",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "gridColor": "var(--line)",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "labelLimit": 160,
    },
    "legend": {"labelColor": "var(--ink)", "titleColor": "var(--muted)", "labelFontSize": 11, "orient": "top"},
}
"""For all charts. The page describes each chart in words of its own, so marks need no labels."""


_FROM, _UNTIL = alt.param(name="from_start", value=0), alt.param(name="until_end", value=1)
"""The stretch of time that is shown, also where nothing came in; the script sets it."""


def charts(*, sources: int) -> Mapping[str, Mapping[str, Any]]:
    """Return the charts by name; that is also the name of their rows."""
    drawn = {
        "volumes": _volumes(),
        "share": _share(),
        "share_by_source": _share_by_source(),
        "fill": _fill(),
        "fill_over_time": _fill_over_time(),
        "shared": _shared(is_numbered=sources <= MOST_NUMBERED),
    }
    fitted = alt.AutoSizeParams(type="fit-x", contains="padding")
    return {name: chart.properties(width="container", autosize=fitted).to_dict() for name, chart in drawn.items()}


def _rows(name: str) -> Drawing:
    return alt.Chart(alt.NamedData(name)).add_params(_FROM, _UNTIL)


def _time() -> Mapping[str, Any]:
    """Place a mark from the start of its bin to the end."""
    return {"x": _moment("start"), "x2": "end:T"}


def _moment(column: str) -> alt.X:
    axis = alt.Axis(title=None, grid=False, labelOverlap=True, tickCount=8, format="%Y-%m-%d")
    scale = alt.Scale(type="utc", domainMin=_FROM, domainMax=_UNTIL, nice=False)
    return alt.X(f"{column}:T", scale=scale, axis=axis)


def _since() -> alt.Tooltip:
    return alt.Tooltip("since:N", title="since")


def _volumes() -> Drawing:
    return (
        _rows("volumes")
        .mark_rect(stroke="var(--paper)", strokeWidth=0.5)
        .encode(
            **_time(),
            y=alt.Y("low:Q", axis=alt.Axis(title="records", minExtent=48, tickCount=4, format="~s")),
            y2="high:Q",
            fill=alt.Fill(
                "outcome:N",
                scale=alt.Scale(domain=["loaded", "quarantined"], range=["var(--loaded)", "var(--quarantined)"]),
                legend=alt.Legend(title=None),
            ),
            tooltip=[_since(), alt.Tooltip("outcome:N"), alt.Tooltip("records:Q", format=",")],
        )
        .properties(height=150)
    )


def _share() -> Drawing:
    return (
        _rows("share")
        .mark_rect(fill="var(--quarantined)", stroke="var(--paper)", strokeWidth=0.5)
        .encode(
            **_time(),
            y=alt.Y("low:Q", axis=alt.Axis(title="quarantined", minExtent=48, tickCount=3, format="%")),
            y2="share:Q",
            tooltip=[_since(), alt.Tooltip("share:Q", title="quarantined", format=".1%")],
        )
        .properties(height=80)
    )


def _share_by_source() -> Drawing:
    return (
        _rows("share_by_source")
        .mark_square(opacity=1)
        .encode(
            x=_moment("middle"),
            y=_names("source", title=None),
            size=alt.Size("share:Q", scale=alt.Scale(domain=[0, 0.5], range=[6, 150], clamp=True), legend=None),
            fill=_steps("share", "alarm", ALARM_STEPS),
            tooltip=[
                alt.Tooltip("source:N"),
                _since(),
                alt.Tooltip("before:N"),
                alt.Tooltip("records:Q", title="records in", format=","),
                alt.Tooltip("share:Q", title="quarantined", format=".1%"),
            ],
        )
        .properties(usermeta=_height_of("source"))
    )


def _fill() -> Drawing:
    tooltip = [alt.Tooltip("source:N"), alt.Tooltip("field:N"), alt.Tooltip("share:Q", title="filled", format=".1%")]
    is_narrow = "width < 480"  # a phone's: the names would run into one another
    angle, align = alt.expr(f"{is_narrow} ? -50 : 0"), alt.expr(f"{is_narrow} ? 'left' : 'center'")
    axis = alt.Axis(title=None, orient="top", labelAngle=angle, labelAlign=align)
    cells = _rows("fill").encode(
        x=alt.X("field:N", sort=None, axis=axis),
        y=_names("source", title=None),
        tooltip=tooltip,
    )
    return _numbered(cells, "share", "fill", FILL_STEPS, text=alt.Text("share:Q", format=".0%"))


def _fill_over_time() -> Drawing:
    return (
        _rows("fill_over_time")
        .mark_rect(stroke="var(--line)", strokeWidth=0.5)
        .encode(
            **_time(),
            y=_names("field", title=None),
            fill=_steps("share", "fill", FILL_STEPS),
            tooltip=[_since(), alt.Tooltip("field:N"), alt.Tooltip("share:Q", title="filled", format=".1%")],
        )
        .properties(usermeta=_height_of("field"))
    )


def _shared(*, is_numbered: bool) -> Drawing:
    angle = -60 if is_numbered else -90
    axis = alt.Axis(title="also in", orient="top", labelAngle=angle, labelLimit=110)
    cells = _rows("shared").encode(
        x=alt.X("other_source:N", axis=axis),
        y=_names("source", title="records of"),
        tooltip=[
            alt.Tooltip("source:N", title="records of"),
            alt.Tooltip("other_source:N", title="also in"),
            alt.Tooltip("records:Q", format=","),
            alt.Tooltip("share:Q", title="of all it delivered", format=".1%"),
        ],
    )
    if is_numbered:
        return _numbered(cells, "share", "fill", FILL_STEPS, text=alt.Text("records:Q", format=","))
    size = alt.Size("share:Q", scale=alt.Scale(domain=[0, 1], range=[8, 200]), legend=None)
    squares = cells.mark_square(opacity=1).encode(size=size, fill=alt.value("var(--loaded)"))
    return squares.properties(usermeta=_height_of("source"))


def _numbered(cells: Drawing, share: str, palette: str, steps: Sequence[float], *, text: alt.Text) -> Drawing:
    """Draw cells with their numbers in them."""
    grounds = cells.mark_rect(stroke="var(--paper)").encode(fill=_steps(share, palette, steps))
    numbers = cells.mark_text(fontSize=11).encode(text=text, fill=_steps(share, f"{palette}-ink", steps))
    layers = alt.layer(grounds, numbers).resolve_scale(fill="independent")
    return layers.properties(usermeta=_height_of("source"))


def _height_of(rows: str) -> Mapping[str, Any]:
    """Tell the script to give each value of a column a row; a height by step would make Vega-Lite complain."""
    return {"rows": rows, "step": ROW_PIXELS}


def _names(column: str, *, title: str | None) -> alt.Y:
    return alt.Y(f"{column}:N", sort=None, axis=alt.Axis(title=title))


def _steps(column: str, palette: str, steps: Sequence[float]) -> alt.Fill:
    colours = [f"var(--{palette}-{step})" for step in range(len(steps) + 1)]
    return alt.Fill(f"{column}:Q", scale=alt.Scale(type="threshold", domain=list(steps), range=colours), legend=None)
