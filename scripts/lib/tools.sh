# Sourced by the front doors: tools that no Python package carries, installed into .tools/ at the first use and pinned.
# Each function prints the tool's path; it fails, and says why, where the tool cannot be had.
GRPCURL_VERSION=v1.9.4
HELM_VERSION=v3.22.0
COMPOSE_GO_VERSION=v2.16.2
GHZ_VERSION=v0.120.0

# The tools that come from npm, in one place; printed is the folder with their programs.
npm_tools() {
    local home="$root/.tools/npm" stamp="$root/.tools/npm/.antiphon-stamp" staging digest
    digest=$(sha256sum < "$root/scripts/lib/npm/package-lock.json" | cut -d' ' -f1)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ]; then
        if ! command -v npm >/dev/null 2>&1; then
            echo "npm is missing: install Node.js for the tools that come from it (buf, pyright)" >&2
            return 1
        fi
        # Aside, and moved into place as a whole: tests in two processes may ask for it at once.
        mkdir -p "$root/.tools"
        staging=$(mktemp -d "$root/.tools/npm.XXXXXX")
        cp "$root/scripts/lib/npm/package.json" "$root/scripts/lib/npm/package-lock.json" "$staging/"
        # The packages' install scripts would only put one more copy of a binary in place.
        if ! npm ci --prefix "$staging" --ignore-scripts --no-audit --no-fund --loglevel=error >&2; then
            rm -rf "$staging"
            return 1
        fi
        echo "$digest" > "$staging/.antiphon-stamp"
        if [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ]; then
            rm -rf "$home"
            mv "$staging" "$home"
        else
            rm -rf "$staging"
        fi
    fi
    echo "$home/node_modules/.bin"
}

buf_path() {
    local programs
    programs=$(npm_tools) || return 1
    echo "$programs/buf"
}

pyright_path() {
    local programs
    programs=$(npm_tools) || return 1
    echo "$programs/pyright"
}

# A program in Go, printed is its path: its name here, its package, its version.
go_tool() {
    local binary="$root/.tools/bin/$1" stamp="$root/.tools/bin/.$1-version" staging
    if [ ! -x "$binary" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$3" ]; then
        if ! command -v go >/dev/null 2>&1; then
            echo "go is missing: install Go to build $1 $3" >&2
            return 1
        fi
        # Aside: Go calls it as its package is called.
        mkdir -p "$root/.tools/bin"
        staging=$(mktemp -d "$root/.tools/go.XXXXXX")
        if ! GOBIN="$staging" go install "$2@$3" >&2; then
            rm -rf "$staging"
            return 1
        fi
        mv "$staging"/* "$binary"
        rmdir "$staging"
        echo "$3" > "$stamp"
    fi
    echo "$binary"
}

grpcurl_path() {
    go_tool grpcurl github.com/fullstorydev/grpcurl/cmd/grpcurl "$GRPCURL_VERSION"
}

helm_path() {
    go_tool helm helm.sh/helm/v3/cmd/helm "$HELM_VERSION"
}

# The reference implementation of the compose specification: checks a file against its schema and its rules.
compose_go_path() {
    go_tool compose-go github.com/compose-spec/compose-go/v2/cmd "$COMPOSE_GO_VERSION"
}

# Offers calls at a rate, whether or not earlier ones are answered, at little cost to the processor.
ghz_path() {
    go_tool ghz github.com/bojand/ghz/cmd/ghz "$GHZ_VERSION"
}

# Whole programs of Debian's that tests run for themselves, where they are not there; nothing is started.
debian_programs() {
    local missing=() as_root=()
    if ! command -v initdb >/dev/null 2>&1 && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
        missing+=(postgresql)
    fi
    command -v redis-server >/dev/null 2>&1 || missing+=(redis-server)
    [ ${#missing[@]} -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "missing, and apt-get is not here to install them: ${missing[*]}" >&2
        return 1
    fi
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    echo "installing ${missing[*]} (once)" >&2
    # In runlevel 1 no service is started by what installs it.
    "${as_root[@]}" apt-get update -qq >&2 &&
        "${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
            apt-get install -qq --yes --no-install-recommends "${missing[@]}" >&2
}
