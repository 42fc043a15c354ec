# Sourced by the front doors: makes .venv at the root on first use and sets PYTHON. uv does it where it is present,
# venv and pip where it is not. The stamp holds a digest of what was installed, so a change of pins installs again.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PYTHON="$root/.venv/bin/python"
_stamp="$root/.venv/.antiphon-stamp"
_digest=$(cat "$root/pyproject.toml" "$root/constraints.txt" | sha256sum | cut -d' ' -f1)

_install() {
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --python "$PYTHON" --constraint "$root/constraints.txt" --editable "$root[$1]"
    else
        "$PYTHON" -m pip install --quiet --disable-pip-version-check --constraint "$root/constraints.txt" \
            --editable "$root[$1]"
    fi
}

if [ ! -x "$PYTHON" ] || [ "$(cat "$_stamp" 2>/dev/null)" != "$_digest" ]; then
    echo "setting up $root/.venv (once)" >&2
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --allow-existing "$root/.venv"
    else
        python3 -m venv "$root/.venv"
    fi
    _install dev
    echo "$_digest" > "$_stamp"
fi

# Extras of ours beyond what developing needs: `install_extras dask,ray`.
install_extras() {
    if [ "$(cat "$_stamp-$1" 2>/dev/null)" != "$_digest" ]; then
        echo "installing the extras $1 (once)" >&2
        _install "$1"
        echo "$_digest" > "$_stamp-$1"
    fi
}
