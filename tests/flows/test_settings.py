"""Settings are read strictly: what is not understood is an error that names the file, the key and the next step."""

from pathlib import Path

import pytest

from expectations.row_rules import Severity
from flows.rules import rules_of
from flows.settings import Settings, SettingsError, load_settings


def settings_of(home: Path, text: str) -> Settings:
    home.mkdir(exist_ok=True)
    (home / "copydesk.toml").write_text(text, "utf-8")
    return load_settings(home=home)


def test_home_without_a_file_has_defaults(home: Path) -> None:
    settings = load_settings(home=home)
    assert settings.home.root == home
    assert settings.source("gazette").time_zone == "UTC"
    assert not home.exists(), "reading settings makes nothing"


def test_home_is_named_by_option_then_variable_then_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings().home.root == tmp_path / "data"
    monkeypatch.setenv("COPYDESK_HOME", str(tmp_path / "other"))
    assert load_settings().home.root == tmp_path / "other"
    assert load_settings(home=tmp_path / "named").home.root == tmp_path / "named"


def test_every_key_of_a_source_is_read(home: Path) -> None:
    declared = settings_of(
        home,
        """
        [sources.wire]
        place = "feeds/wire"
        format = "csv"
        encoding = "windows-1252"
        delimiter = ";"
        fields = { headline = "Titel", body = ["Text", "Volltext"] }
        time_zone = "Europe/Berlin"
        date_order = "dmy"
        language = "de"
        schedule = "*/15 * * * *"
        thresholds = { min_body_chars = 40 }
        rules.not_prose.severity = "warning"
        rules.record_count = { severity = "critical", bound = 100 }
        max_record_bytes = 1000000
        rights = "internal"
        alerts = ["desk"]
        [alerts.desk]
        kind = "stderr"
        """,
    )
    wire = declared.source("wire")
    assert wire.field_mapping == {"Titel": "headline", "Text": "body", "Volltext": "body"}
    assert declared.places == {home / "feeds" / "wire": "wire"}
    rules = rules_of(wire)
    assert {rule.code: rule.severity for rule in rules.rows}["not_prose"] is Severity.WARNING
    [count] = [rule for rule in rules.tables if rule.code == "record_count"]
    assert (count.severity, count.bound) == (Severity.CRITICAL, 100)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sources.wire]\nencodign = 'latin-1'", "sources.wire.encodign is not a setting; did you mean 'encoding'?"),
        ("[sources.wire]\nrights = ' '", "must say by what right, such as 'CC BY 4.0'"),
        ("[source.wire]", "'source' is not a setting; declare sources as [sources.NAME]"),
        ("duplicates = 1", "'duplicates' must be a table"),
        ("[duplicates]\nnear_jacard = 0.6", "duplicates.near_jacard is not a setting; did you mean 'near_jaccard'?"),
        ("[duplicates]\nnear_jaccard = 60", "duplicates.near_jaccard must be a share from 0 to 1, not 60."),
        ("[duplicates]\nshort_words = 0.5", "duplicates.short_words must be a whole number up to 1,000,000, not 0.5."),
        ("[duplicates]\nnear_jaccard = true", "duplicates.near_jaccard must be a share from 0 to 1, not True."),
        ("sources = 3", "'sources' must hold one table for each source"),
        ("[sources]\nwire = 3", "sources.wire must be a table"),
        ("[sources.'a/b']", "'a/b' cannot name a source"),
        ("[sources.wire]\ntime_zone = 'Berlin'", "sources.wire.time_zone: 'Berlin' is no IANA time zone"),
        ("[sources.wire]\nfields = { titel = 'x' }", "'titel' is no field of a record; known are authors, body"),
        ("[sources.wire]\nrules.no_such.severity = 'info'", "'no_such' is no rule; known are"),
        ("[sources.wire]\nrules.missing_body.severity = 'info'", "missing_body is critical for every source"),
        ("[sources.wire]\nrules.not_prose.bound = 1", "'not_prose' is no rule that has a bound"),
        ("[sources.wire]\nthresholds.min_chars = 1", "'min_chars' is no threshold; known are"),
        ("[sources.wire]\nformat = 'docx'", "sources.wire.format: 'docx' is not read; arrow, csv"),
        ("[sources.wire]\nformat = 'pdf'", "sources.wire.format: 'pdf' is not read"),
        ("[sources.wire]\nencoding = 'utf-99'", "'utf-99' is no encoding of text"),
        ("[sources.wire]\nencoding = 'base64'", "'base64' is no encoding of text"),
        ("[sources.wire]\ndelimiter = '\"'", "cannot stand between cells"),
        ("[sources.wire]\ndelimiter = '::'", "cannot stand between cells"),
        ("[sources.wire]\nlanguage = 'klingon'", "'klingon' is no language"),
        ("[sources.wire]\nplace = ''", "must be a folder of the source's own"),
        ("[sources.wire]\nplace = 'landing/..'", "must be a folder of the source's own"),
        ("[sources.a]\nplace = 'x'\n[sources.b]\nplace = './x/'", "two sources have the same place"),
        ("[sources.wire]\nthresholds.min_body_chars = -5", "min_body_chars cannot be below 0"),
        ("[sources.wire]\nrules.volume_change = { bound = 1 }", "the bound of volume_change must be above 1"),
        ("[sources.wire]\nrules.quarantined_share_change = { bound = 0 }", "quarantined_share_change must be above 0"),
        ("[sources.wire]\nrules.volume_change = { bound = nan }", "finite"),
        ("[sources.wire]\nfields = { body = 'x', headline = ['y', 'x'] }", "'x' cannot be two fields at once"),
        ("[sources.wire]\nname = 'other'", "sources.wire.name is not a setting"),
        ("[sources.drop-zone]", "'drop-zone' cannot name a source"),
        ("[sources.wire]\nschedule = '99 99 * * *'", "'99 99 * * *' is no schedule"),
        ("[sources.wire]\nschedule = 'a b c d e'", "'a b c d e' is no schedule"),
        ("[sources.wire]\nschedule = 'every 99999999999d'", "is no schedule"),
        ("[sources.wire]\nrules.record_count.severty = 'info'", "did you mean 'severity'?"),
        ("[sources.wire]\nschedule = 'now and then'", "sources.wire.schedule"),
        ("[sources.wire", "cannot be read"),
    ],
)
def test_what_is_no_setting_is_named_with_the_next_step(home: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(home, text)
    assert str(home / "copydesk.toml") in str(refused.value)
    assert message in str(refused.value)


def test_named_file_that_is_absent_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"There is no configuration .*absent\.toml"):
        load_settings(home=tmp_path, config=tmp_path / "absent.toml")
