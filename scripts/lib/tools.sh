# Sourced by the front doors: tools that no Python package carries, installed into .tools/ at the first use and pinned.
# Each function prints the tool's path; it fails, and says why, where the tool cannot be had.
GRPCURL_VERSION=v1.9.4

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

grpcurl_path() {
    local binary="$root/.tools/bin/grpcurl" stamp="$root/.tools/bin/.grpcurl-version"
    if [ ! -x "$binary" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$GRPCURL_VERSION" ]; then
        if ! command -v go >/dev/null 2>&1; then
            echo "go is missing: install Go to build grpcurl $GRPCURL_VERSION" >&2
            return 1
        fi
        GOBIN="$root/.tools/bin" go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@$GRPCURL_VERSION" >&2 || return 1
        echo "$GRPCURL_VERSION" > "$stamp"
    fi
    echo "$binary"
}
