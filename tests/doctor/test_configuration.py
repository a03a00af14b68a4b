"""Where settings come from, as the checks say it."""

from __future__ import annotations

from pathlib import Path

from fim_lsp.doctor.check import Check, State
from fim_lsp.doctor.configuration import check_settings
from fim_lsp.settings.loader import SettingsLoader

CONFIG = "FIM_LSP_CONFIG"


def checks(home: Path, text: str, *, project: str = "", **environment: str) -> list[Check]:
    (home / "config.toml").write_text(text)
    (home / ".fim-lsp.toml").write_text(project or "# nothing\n")
    loader = SettingsLoader({CONFIG: str(home / "config.toml"), **environment}, lambda _problems: None)
    loader.start((home,), {"timeout": 5})
    return list(check_settings(loader.effective(), home / "config.toml"))


def test_each_source_names_what_it_sets(tmp_path: Path) -> None:
    found = checks(
        tmp_path,
        'backend = "mistral"\nmodel = "m"\nexclude = ["*.secret"]\n',
        project="max_tokens = 64\n",
        FIM_LSP_MODEL="other",
    )
    assert {check.message for check in found} == {
        f'{tmp_path}/config.toml: backend = "mistral", exclude (1 more than the built-in ones)',
        f'environment variable FIM_LSP_MODEL: model = "other" (instead of {tmp_path}/config.toml)',
        "initializationOptions: timeout = 5",
        f"{tmp_path}/.fim-lsp.toml: max_tokens = 64",
    }
    assert {check.state for check in found} == {State.OK}


def test_no_key_and_no_long_value_is_shown(tmp_path: Path) -> None:
    found = checks(tmp_path, f'backend = "mistral"\napi_key = "sk-secret"\nstop = "{"x" * 500}"\n')
    shown = " ".join(check.message for check in found)
    assert "sk-secret" not in shown
    assert len(shown) < 400


def test_damage_to_what_restricts_is_an_error_and_the_rest_a_warning(tmp_path: Path) -> None:
    found = checks(tmp_path, 'exclude = 5\nmax_tokens = "many"\n')
    states = {check.message.split('"')[1]: check.state for check in found if "must be" in check.message}
    assert states == {"exclude": State.ERROR, "max_tokens": State.WARNING}
    assert all(check.remedy for check in found if check.state is not State.OK)


def test_no_home_folder(tmp_path: Path) -> None:
    loader = SettingsLoader({}, lambda _problems: None)
    found = list(check_settings(loader.effective(), None))
    assert found[0].message == "all are defaults: nothing sets any"
    assert "no home folder" in found[1].message
    assert "FIM_LSP_CONFIG" in found[1].remedy
