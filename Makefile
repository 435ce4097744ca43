# Thin targets over `cargo course`; `cargo course --help` lists all commands.
.PHONY: book test run serve clean

book:
	cargo course build

test:
	cargo test

run:
	cargo course run

serve:
	cargo course serve

clean:
	cargo clean
	rm -rf book
