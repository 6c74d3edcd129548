#!/usr/bin/env bash
# A model behind Envoy behind safety-pact, in one command; Ctrl-C ends it all.
#
#   examples/envoy/run.sh                                  builds safety-pact first
#   SAFETY_PACT=target/release/safety-pact examples/envoy/run.sh
#
# Needs python3, and envoy on the PATH or from `make tools`. GATEWAY_PORT, PACT_PORT, PACT_ADMIN_PORT, UPSTREAM_PORT and
# ENVOY_ADMIN_PORT move it elsewhere.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
gateway=${GATEWAY_PORT:-10000} pact=${PACT_PORT:-50051} pact_admin=${PACT_ADMIN_PORT:-8081}
upstream=${UPSTREAM_PORT:-9000} envoy_admin=${ENVOY_ADMIN_PORT:-9901}

PATH=$root/.tools/bin:$PATH
command -v envoy >/dev/null || { echo "envoy is not on the PATH: run \`make tools\`" >&2; exit 1; }
if [ -z "${SAFETY_PACT:-}" ]; then
    cargo build --release --manifest-path "$root/Cargo.toml"
    SAFETY_PACT=$root/target/release/safety-pact
fi

pids=()
scratch=$(mktemp -d)
finish() {
    # What is already gone needs no signal.
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 0' INT TERM

is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

for port in "$pact" "$pact_admin" "$upstream" "$gateway" "$envoy_admin"; do
    is_open "$port" && { echo "port $port is taken: end what listens there (a safety-pact?) first" >&2; exit 1; }
done

# until_open NAME PORT: waits for the listener of the child started last.
until_open() {
    for _ in $(seq 300); do
        is_open "$2" && return 0
        kill -0 "${pids[-1]}" 2>/dev/null || break
        sleep 0.1
    done
    echo "$1 does not listen on port $2" >&2
    exit 1
}

sed -e "s/port_value: 10000 /port_value: $gateway /" -e "s/port_value: 50051 /port_value: $pact /" \
    -e "s/port_value: 9000 /port_value: $upstream /" -e "s/port_value: 9901 /port_value: $envoy_admin /" \
    "$here/envoy.yaml" >"$scratch/envoy.yaml"

"$SAFETY_PACT" serve --config "$here/safety-pact.yaml" \
    --set "server.listen=127.0.0.1:$pact" --set "admin.listen=127.0.0.1:$pact_admin" &
pids+=($!)
until_open safety-pact "$pact"
python3 "$here/upstream.py" "$upstream" &
pids+=($!)
until_open "the upstream" "$upstream"
# In a session of its own, so that Ctrl-C reaches this script alone and the order above is kept.
setsid envoy -c "$scratch/envoy.yaml" --disable-hot-restart --concurrency 1 --log-level error \
    --file-flush-interval-msec 200 &
pids+=($!)
until_open envoy "$gateway"

cat <<TEXT

The gateway listens on http://127.0.0.1:$gateway. Paste into another terminal:

  # permitted: the pact headers are on the answer, and the upstream shows those that it got
  curl -i http://127.0.0.1:$gateway/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'

  # refused at once: too long for anybody's stamina
  curl -i http://127.0.0.1:$gateway/v1/chat/completions -H 'content-type: application/json' \\
    -d "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"\$(printf 'a%.0s' {1..2000})\"}]}"

  # let through unjudged, and it says so
  curl -i http://127.0.0.1:$gateway/healthz

Ctrl-C ends it all.
TEXT

# Until one of them ends; then so does the rest.
wait -n
echo "one of the three has ended" >&2
exit 1
