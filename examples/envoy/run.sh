#!/usr/bin/env bash
# A gateway to try things on: a tiny upstream and a real Envoy in front of it, asking safety-pact before every request.
#
# Uses the safety-pact that listens on 127.0.0.1:50051, or builds and starts one on the safety-pact.yaml beside this file. Ctrl-C, or the end of the
# shell, ends what was started here and nothing else. Ports: PDP_PORT (50051), GATEWAY_PORT (10000; 0 picks one).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
pdp_port=${PDP_PORT:-50051}
gateway_port=${GATEWAY_PORT:-10000}
scratch=$(mktemp -d)
started=()

finish() {
    for pid in "${started[@]:-}"; do [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 0' INT TERM HUP

# wait_for WHAT COMMAND...: until the command succeeds, ten seconds at most.
wait_for() {
    local what=$1
    shift
    for _ in $(seq 200); do
        "$@" && return 0
        sleep 0.05
    done
    echo "$what did not come; its log:" >&2
    cat "$scratch"/*.log >&2
    exit 1
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

"$root/tests/tools.sh"

if ! listens "$pdp_port"; then
    (cd "$root" && cargo build --release)
    "$root/target/release/safety-pact" --config "$here/safety-pact.yaml" \
        --set "server.listen=127.0.0.1:$pdp_port" 2>"$scratch/pdp.log" &
    started+=($!)
    wait_for safety-pact listens "$pdp_port"
fi

# An upstream that says which headers reached it.
python3 - "$scratch/upstream" <<'PYTHON' &
import http.server, json, os, sys
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = (json.dumps({"upstream_saw": dict(self.headers)}) + "\n").encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
with open(sys.argv[1] + ".part", "w") as file: file.write(str(server.server_port))
os.rename(sys.argv[1] + ".part", sys.argv[1])
server.serve_forever()
PYTHON
started+=($!)
wait_for upstream test -e "$scratch/upstream"

# The shipped file, with these ports.
sed -e "s/port_value: 9901 }/port_value: 0 }/" \
    -e "s/port_value: 10000 }/port_value: $gateway_port }/" \
    -e "s/port_value: 50051 }/port_value: $pdp_port }/" \
    -e "s/port_value: 9000 }/port_value: $(cat "$scratch/upstream") }/" \
    "$here/envoy.yaml" >"$scratch/envoy.yaml"
"$root/.tools/bin/envoy" --disable-hot-restart --log-level warning --file-flush-interval-msec 100 \
    -c "$scratch/envoy.yaml" --admin-address-path "$scratch/admin" >"$scratch/envoy.log" 2>&1 &
envoy=$!
started+=("$envoy")
wait_for Envoy test -s "$scratch/admin"
ready() { [ "$(curl -s "$(cat "$scratch/admin")/ready")" = LIVE ]; }
wait_for Envoy ready

listener=$(curl -s "$(cat "$scratch/admin")/listeners" | sed -n 's/^gateway:://p')
echo "gateway ready on $listener"
wait "$envoy"
