"""What the installation may be told from outside, and what it says to what it may not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from backoffice.settings import SettingsError, child_environment, load, port

UNKNOWN = "{} is not a setting. Look for a typing error; docs/operations.md lists them all."
SECRET = "hunter2-is-secret"
Give = Callable[..., None]


@pytest.fixture(autouse=True)
def give(monkeypatch: pytest.MonkeyPatch) -> Give:
    """An environment that says nothing, and a way to say something."""
    for name in [name for name in os.environ if name.startswith("BACKOFFICE_") or name == "PORT"]:
        monkeypatch.delenv(name)

    def setting(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"BACKOFFICE_{name}", str(value))

    return setting


def problems() -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load()
    return raised.value.problems


# -- where a value comes from


def test_without_a_word_the_site_is_this_machine() -> None:
    assert load().base_url == "http://localhost:8000"


def test_a_variable_is_a_setting(give: Give) -> None:
    give(BASE_URL="https://school.example")
    assert load().base_url == "https://school.example"


@pytest.mark.parametrize("field", ["secret_key"])
def test_a_file_holds_the_value_without_the_line_end(give: Give, tmp_path: Path, field: str) -> None:
    path = tmp_path / "value"
    path.write_text(f"{SECRET}\n")
    give(**{f"{field.upper()}_FILE": path})
    assert getattr(load(), field).get_secret_value() == SECRET


@pytest.mark.parametrize("field", ["database_url", "database_direct_url"])
def test_a_file_holds_an_address(give: Give, tmp_path: Path, field: str) -> None:
    path = tmp_path / "address"
    path.write_text(f"postgresql://somebody:{SECRET}@localhost/backoffice\n")
    beside = {} if field == "database_url" else {"DATABASE_URL": "postgresql://backoffice_app@localhost/x"}
    give(**beside, **{f"{field.upper()}_FILE": path})
    assert getattr(load(), field).get_secret_value() == f"postgresql://somebody:{SECRET}@localhost/backoffice"


def test_the_keyrings_file_is_named_and_not_read(give: Give, tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    path.write_text("/somewhere/else.json")
    give(KEYRING_FILE=path)
    assert load().keyring == path


def test_without_a_name_the_keyring_lies_with_the_data(give: Give, tmp_path: Path) -> None:
    give(DATA_DIR=tmp_path)
    assert load().keyring == tmp_path / "keyring.json"


def test_the_environment_is_stronger_than_a_file(give: Give, tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_text("https://file.example")
    give(BASE_URL="https://variable.example", BASE_URL_FILE=path)
    assert load().base_url == "https://variable.example"


def test_a_file_is_stronger_than_the_overlay(give: Give, tmp_path: Path) -> None:
    path, overlay = tmp_path / "value", tmp_path / "overlay.toml"
    path.write_text("https://file.example")
    overlay.write_text('base_url = "https://overlay.example"')
    give(CONFIG=overlay, BASE_URL_FILE=path)
    assert load().base_url == "https://file.example"


def test_the_overlay_replaces_single_values(give: Give, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text("[sessions]\naccount_idle = 7\n")
    give(CONFIG=overlay)
    sessions = load().sessions
    assert (sessions.account_idle, sessions.student_idle_shared) == (7, 5)


# -- what is refused


def test_an_unknown_variable_is_named(give: Give) -> None:
    give(DATABSE_URL="postgresql://somewhere")
    assert problems() == [UNKNOWN.format("BACKOFFICE_DATABSE_URL")]


def test_every_problem_is_told_at_once(give: Give) -> None:
    give(TYPO="1", OTHER_TYPO="1", PROXY_HOPS="many", SESSIONS='{"account_idle": 0}')
    assert problems() == [
        UNKNOWN.format("BACKOFFICE_OTHER_TYPO"),
        UNKNOWN.format("BACKOFFICE_TYPO"),
        "BACKOFFICE_PROXY_HOPS: Input should be a valid integer, unable to parse string as an integer",
        "BACKOFFICE_SESSIONS__ACCOUNT_IDLE: Input should be greater than 0",
    ]


def test_a_wrong_address_is_told_with_the_other_problems(give: Give) -> None:
    give(BASE_URL="http://school.example", PROXY_HOPS="9")
    assert len(problems()) == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://school.example",
        "http://localhost.school.example",
        "http://127.0.0.1.school.example",
        "http://192.168.1.4:8000",
        "http://[2001:db8::1]/",
    ],
)
def test_plain_http_on_another_host_is_refused(give: Give, url: str) -> None:
    give(BASE_URL=url)
    sentence = (
        "BACKOFFICE_BASE_URL: is plain http on a host that is not this machine."
        " Children's data travels over https only: use an https:// address."
    )
    assert problems() == [sentence]


@pytest.mark.parametrize("url", ["school.example", "ftp://school.example", "https://", "/"])
def test_an_address_is_a_full_one(give: Give, url: str) -> None:
    give(BASE_URL=url)
    assert problems() == ["BACKOFFICE_BASE_URL: must be a full address such as https://school.example"]


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("https://school.example", True),
        ("https://localhost", True),
        ("http://localhost:8123", False),
        ("http://127.0.0.1:8000", False),
        ("http://127.8.8.8", False),
        ("http://[::1]:8000", False),
    ],
)
def test_https_and_the_own_machine_are_good(give: Give, url: str, secure: bool) -> None:
    give(BASE_URL=url)
    assert load().secure is secure


def test_the_case_of_the_scheme_does_not_weaken_the_cookies(give: Give) -> None:
    give(BASE_URL="HTTPS://school.example")
    assert load().secure is True


@pytest.mark.parametrize(
    ("overlay", "problem"),
    [
        ("data_dri = 'x'", "BACKOFFICE_DATA_DRI: Extra inputs are not permitted"),
        ("sessions.idle = 3", "BACKOFFICE_SESSIONS__IDLE: Extra inputs are not permitted"),
        ("passwords.passes = 1", "BACKOFFICE_PASSWORDS__PASSES: Input should be greater than or equal to 2"),
        (f"database_url = {SECRET}", "A settings file cannot be read: Invalid value (at line 1, column 16)"),
    ],
)
def test_the_overlay_is_checked_like_the_rest(give: Give, tmp_path: Path, overlay: str, problem: str) -> None:
    path = tmp_path / "overlay.toml"
    path.write_text(overlay)
    give(CONFIG=path)
    assert problems() == [problem]


def test_an_overlay_that_is_not_there_is_told(give: Give, tmp_path: Path) -> None:
    give(CONFIG=tmp_path / "nowhere.toml")
    assert len(problems()) == 1


def test_a_file_that_is_not_there_is_told(give: Give, tmp_path: Path) -> None:
    give(SECRET_KEY_FILE=tmp_path / "nowhere")
    assert problems() == [
        f"A settings file cannot be read: [Errno 2] No such file or directory: '{tmp_path}/nowhere'"
    ]


@pytest.mark.parametrize("name", ["SECRET_KEY_FILE", "CONFIG"])
def test_a_file_that_is_no_text_is_told(give: Give, tmp_path: Path, name: str) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x80")
    give(**{name: path})
    assert len(problems()) == 1


def test_a_section_that_is_no_json_is_told(give: Give) -> None:
    give(SESSIONS="an hour")
    assert len(problems()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"SECRET_KYE": SECRET},
        {"PROXY_HOPS": SECRET},
        {"BASE_URL": f"http://somebody:{SECRET}@school.example"},
        {"BASE_URL": f"http://[{SECRET}"},
        {"SESSIONS": f'{{"account_idle": "{SECRET}"}}'},
    ],
)
def test_no_value_is_repeated_in_a_problem(give: Give, wrong: dict[str, str]) -> None:
    give(**wrong)
    assert SECRET not in "\n".join(problems())


def test_a_secret_shows_in_no_representation(give: Give) -> None:
    give(SECRET_KEY=SECRET, DATABASE_URL=f"postgresql://owner:{SECRET}@localhost/x")
    assert SECRET not in repr(load())


# -- mail


def test_without_a_word_no_mail_goes_out_and_no_address_takes_reports() -> None:
    settings = load()
    assert (settings.smtp_url, settings.mail_folder, settings.report_address) == (None, None, None)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://mail.example",
        "smtps://user:pass%2Fword@mail.example:465",
        "smtp://127.0.0.1:1025/",
    ],
)
def test_a_mail_server_is_an_address(give: Give, url: str) -> None:
    give(SMTP_URL=url, MAIL_FROM="School <help@school.example>")
    settings = load()
    assert settings.smtp_url is not None
    assert (settings.smtp_url.get_secret_value(), settings.mail_folder) == (url, None)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:port",
        "smtp://mail.example/path",
        "file://mail",
        "file:relative",
    ],
)
def test_what_is_no_mail_server_is_refused(give: Give, url: str) -> None:
    give(SMTP_URL=url, MAIL_FROM="help@school.example")
    assert problems() == [
        (
            "BACKOFFICE_SMTP_URL: must be an address such as smtp://user:password@mail.example:587 or"
            " smtps://mail.example"
        )
    ]


def test_a_folder_takes_mails_on_this_machine_only(give: Give, tmp_path: Path) -> None:
    give(SMTP_URL=tmp_path.as_uri(), MAIL_FROM="help@school.example")
    assert load().mail_folder == tmp_path
    give(BASE_URL="https://school.example")
    assert problems() == [
        (
            "BACKOFFICE_SMTP_URL names a folder, which is for a site on plain http on this machine only."
            " Name a mail server."
        )
    ]


def test_mails_come_from_somewhere(give: Give) -> None:
    give(SMTP_URL="smtp://mail.example")
    assert problems() == ["BACKOFFICE_SMTP_URL needs BACKOFFICE_MAIL_FROM beside it, where mails come from."]


@pytest.mark.parametrize("name", ["MAIL_FROM", "ALERT_MAIL"])
@pytest.mark.parametrize(
    "address",
    [
        "help",
        "help@",
        "@school.example",
        "help@school.example\nBcc: all@school.example",
        '"A\nB" <help@school.example>',
        "hélp@school.example",
    ],
)
def test_what_is_no_mail_address_is_refused(give: Give, name: str, address: str) -> None:
    give(**{name: address})
    assert problems() == [
        (
            f"BACKOFFICE_{name}: must be an e-mail address such as help@school.example"
            " or School <help@school.example>"
        )
    ]


def test_reports_go_to_the_address_for_alerts_else_to_where_mails_come_from(give: Give) -> None:
    give(MAIL_FROM="School <help@school.example>")
    assert load().report_address == "help@school.example"
    give(ALERT_MAIL="Security <security@school.example>")
    assert load().report_address == "security@school.example"


def test_a_mail_servers_password_shows_nowhere(give: Give) -> None:
    give(SMTP_URL=f"smtp://user:{SECRET}@mail.example", MAIL_FROM="help@school.example")
    assert SECRET not in repr(load())
    give(SMTP_URL=f"smtp://user:{SECRET}@mail.example:port")
    assert SECRET not in "\n".join(problems())


# -- the port


@pytest.mark.parametrize(("given", "number"), [(None, 8000), ("8123", 8123), ("1", 1), ("65535", 65535)])
def test_the_port_is_a_number(monkeypatch: pytest.MonkeyPatch, given: str | None, number: int) -> None:
    if given is not None:
        monkeypatch.setenv("PORT", given)
    assert port() == number


@pytest.mark.parametrize("given", ["", "0", "65536", "-1", "80.5", "http", "8000 "])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("PORT", given)
    with pytest.raises(SettingsError) as raised:
        port()
    assert raised.value.problems == [f"PORT={given} is not a port. Use a number such as PORT=8001."]


# -- what a child process is told


def test_a_child_is_told_what_replaces_and_what_stays(give: Give, tmp_path: Path) -> None:
    give(DATABASE_URL_FILE=tmp_path / "stronger", PROXY_HOPS="1")
    told = child_environment(DATABASE_URL="postgresql://app")
    ours = {name: value for name, value in told.items() if name.startswith("BACKOFFICE_")}
    assert ours == {"BACKOFFICE_DATABASE_URL": "postgresql://app", "BACKOFFICE_PROXY_HOPS": "1"}


@pytest.mark.parametrize("name", ["DATABASE_DIRECT_URL", "DATABASE_DIRECT_URL_FILE"])
def test_a_child_is_not_told_the_stronger_address(give: Give, tmp_path: Path, name: str) -> None:
    give(**{name: tmp_path / "stronger"})
    assert f"BACKOFFICE_{name}" not in child_environment(DATABASE_URL="postgresql://app")


# -- groups, files and what is missing


def test_one_value_of_a_group_is_set_alone(give: Give) -> None:
    give(SESSIONS__ACCOUNT_IDLE="15")
    sessions = load().sessions
    assert (sessions.account_idle, sessions.account_absolute) == (15, 12 * 60)


@pytest.mark.parametrize("name", ["SESSIONS_FILE", "SESSIONS__ACCOUNT_IDEL"])
def test_a_misspelt_value_of_a_group_is_told_once(give: Give, tmp_path: Path, name: str) -> None:
    give(**{name: tmp_path})
    assert problems() == [UNKNOWN.format(f"BACKOFFICE_{name}")]


def test_the_overlay_can_be_named_in_a_file(give: Give, tmp_path: Path) -> None:
    overlay, name = tmp_path / "overlay.toml", tmp_path / "name"
    overlay.write_text("proxy_hops = 2\n")
    name.write_text(f"{overlay}\n")
    give(CONFIG_FILE=name)
    assert load().proxy_hops == 2


@pytest.mark.parametrize("name", ["KEYRING_FILE", "DATA_DIR", "DATABASE_URL", "BASE_URL"])
def test_an_empty_variable_says_nothing(give: Give, name: str) -> None:
    plain = load()
    give(**{name: ""})
    assert load() == plain


def test_a_direct_address_alone_is_a_mistake(give: Give) -> None:
    give(DATABASE_DIRECT_URL="postgresql://backoffice_owner:pw@localhost/backoffice")
    assert problems() == ["BACKOFFICE_DATABASE_DIRECT_URL needs BACKOFFICE_DATABASE_URL beside it."]
