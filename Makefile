# What a person types here. `make test` is all of it: everything that a reviewer would check, from an empty machine
# with Rust and python3 on it.

.PHONY: test tools lint bench eval clean-tools

# Everything, in one run of cargo; the tests start and stop the servers that they need.
test: tools
	cargo test --no-fail-fast

# Envoy and grpcurl into .tools/bin; nothing to do when they are there.
tools:
	@tests/tools.sh

lint:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

bench:
	cargo bench

# Against recorded data in ../shared/data; fails where there is none.
eval:
	cargo test --test eval -- --nocapture

clean-tools:
	rm -rf .tools
