//! Compiles `proto/` in pure Rust (protox), so that nobody needs protoc.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const PROTOS: [&str; 2] = ["proto/safety_pact/v1/safety.proto", "proto/safety_pact/v1/cooperation.proto"];

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script its output folder so")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    // Server reflection serves these bytes.
    fs::write(out_dir.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
