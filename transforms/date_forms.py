"""The forms of dates that are read by pattern: those of machines, and of English prose.

A form names the parts that it finds (`PARTS`); what the parts mean together is decided in `dates`.
"""

from types import MappingProxyType

MONTH_NUMBERS = MappingProxyType(
    {
        name: number
        for number, name in enumerate(
            ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
        )
    }
)
# Minutes east of UTC: the names that RFC 2822 defines, and others that mean one zone to news writers everywhere.
ZONE_MINUTES = MappingProxyType(
    {
        **dict.fromkeys(("z", "ut", "utc", "gmt"), 0),
        "est": -300,
        "edt": -240,
        "cst": -360,
        "cdt": -300,
        "mst": -420,
        "mdt": -360,
        "pst": -480,
        "pdt": -420,
        "wet": 0,
        "west": 60,
        "bst": 60,
        "cet": 60,
        "cest": 120,
        "eet": 120,
        "eest": 180,
        "msk": 180,
        "pkt": 300,
        "hkt": 480,
        "sgt": 480,
        "jst": 540,
        "kst": 540,
        "aest": 600,
        "aedt": 660,
        "nzst": 720,
        "nzdt": 780,
    }
)

_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_CLOCK = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?"
)
_ZONE_NAMES = "|".join(sorted(ZONE_MINUTES, key=len, reverse=True))
_ZONE = rf"(?:\s*(?P<zone>{_ZONE_NAMES})?(?P<offset>[+-][0-9]{{2}}(?::?[0-9]{{2}})?)?)"
_TIME = rf"(?:(?:t|,?\s+(?:at\s+|[-–|]\s*)?){_CLOCK}{_ZONE})?"
_COMMENT = r"(?:\s*(?:\([^()]*\)|\[[^\[\]]*\]))?"
_END = rf"{_TIME}{_COMMENT}$"
_COMPACT_TIME = rf"(?:t?(?P<hour>[0-9]{{2}})(?P<minute>[0-9]{{2}})(?P<second>[0-9]{{2}})?{_ZONE})?"

EPOCH = r"^([0-9]{9,10}|[0-9]{12,13})(?:\.[0-9]*)?$"  # seconds and milliseconds from 1973 to 2286
NAMED_MONTH_FORMS = (
    rf"(?i)^{_WEEKDAY}(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?{_MONTH},?[\s-]+(?P<year>[0-9]{{4}}){_END}",
    rf"(?i)^{_WEEKDAY}{_MONTH}\s+(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>[0-9]{{4}}){_END}",
)
YEAR_FIRST_FORMS = (
    rf"(?i)^(?P<year>[0-9]{{4}})[-/.](?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}}){_END}",
    rf"(?i)^(?P<year>[0-9]{{4}})(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}}){_COMPACT_TIME}$",
)
YEAR_LAST_FORM = (
    rf"(?i)^{_WEEKDAY}(?P<first_number>[0-9]{{1,2}})[-/.](?P<second_number>[0-9]{{1,2}})[-/.]"
    rf"(?P<year>[0-9]{{4}}|[0-9]{{2}}){_END}"
)
MONTH_MAY_BE_NAMED = r"\p{L}{2}|[年년]"
ENDS_IN_UNKNOWN_ZONE = r"\s[B-OQ-Z][A-Z]{1,4}$"  # IST is Indian, Irish or Israeli time; AM and PM are no zones
PARTS = (
    *("year", "month", "day", "hour", "minute", "second", "fraction", "half", "zone", "offset"),
    *("first_number", "second_number"),
)
HAS_FOUR_DIGITS = r"(?:^|\D)[0-9]{4}(?:\D|$)"
