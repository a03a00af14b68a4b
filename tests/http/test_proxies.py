"""Which proxy is used for which host, and that httpx agrees."""

from __future__ import annotations

import httpx
import pytest

from fim_lsp.http.proxies import Route, route_to, without_login

PROXY = "http://proxy.example.org:3128"


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("https://api.mistral.ai", {}, "without a proxy"),
        ("https://api.mistral.ai", {"HTTPS_PROXY": PROXY}, f"through the proxy {PROXY} (HTTPS_PROXY)"),
        ("https://api.mistral.ai", {"ALL_PROXY": PROXY}, f"through the proxy {PROXY} (ALL_PROXY)"),
        ("https://api.mistral.ai", {"HTTP_PROXY": PROXY}, "without a proxy"),
        ("https://api.mistral.ai", {"https_proxy": "", "HTTPS_PROXY": PROXY}, "without a proxy"),
        ("https://api.mistral.ai", {"https_proxy": PROXY, "HTTPS_PROXY": "http://x"}, f"through the proxy {PROXY} (https_proxy)"),
        ("https://api.mistral.ai", {"HTTPS_PROXY": "http://me:secret@p:1/"}, "through the proxy http://p:1 (HTTPS_PROXY)"),
        ("https://a.mistral.ai", {"ALL_PROXY": PROXY, "NO_PROXY": ".mistral.ai"}, "without a proxy (NO_PROXY contains its name)"),
        ("https://api.mistral.ai", {"HTTPS_PROXY": PROXY, "no_proxy": "*"}, "without a proxy (no_proxy contains its name)"),
        ("https://api.mistral.ai", {"HTTPS_PROXY": PROXY, "NO_PROXY": "example.org"}, f"through the proxy {PROXY} (HTTPS_PROXY)"),
        ("http://127.0.0.1:8012", {"HTTP_PROXY": PROXY}, "without a proxy (HTTP_PROXY is not used for this machine)"),
    ],
)  # fmt: skip
def test_the_way_to_a_host(
    url: str, environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = route_to(url, environment)
    assert str(route) == expected
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if "127.0.0.1" not in url:
        with httpx.Client() as client:
            used = client._transport_for_url(httpx.URL(url)) is not client._transport
        assert used == bool(route.proxy)


@pytest.mark.parametrize("address", ["http://me:p@ss@p:1", "me:pass@p", "p", "http://p", "socks5://p:1/x", "", "://@"])
def test_no_login_is_shown(address: str) -> None:
    shown = without_login(address)
    assert "@" not in shown
    assert "ss" not in shown or "socks5" in shown


def test_nothing_is_a_route_too() -> None:
    assert route_to("nonsense", {"X_PROXY": "a"}) == Route()
