# Sourced by the front doors: tools that no Python package carries, installed into .tools/ at the first use and pinned.
# Each function prints the tool's path; it fails, and says why, where the tool cannot be had.
GRPCURL_VERSION=v1.9.4

buf_path() {
    local home="$root/.tools/npm" stamp="$root/.tools/npm/.antiphon-stamp" digest
    digest=$(sha256sum < "$root/scripts/lib/npm/package-lock.json" | cut -d' ' -f1)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ]; then
        if ! command -v npm >/dev/null 2>&1; then
            echo "npm is missing: install Node.js to check the contract with buf" >&2
            return 1
        fi
        mkdir -p "$home"
        cp "$root/scripts/lib/npm/package.json" "$root/scripts/lib/npm/package-lock.json" "$home/"
        # The package's install script would only put one more copy of the binary in place.
        npm ci --prefix "$home" --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || return 1
        echo "$digest" > "$stamp"
    fi
    echo "$home/node_modules/.bin/buf"
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
