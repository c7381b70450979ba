//! Compiles the protocol's definition; protox is a compiler in Rust, so nobody installs protoc.

use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const PROTO: &str = "mixbed/directory/v1/directory.proto";
    const VOTING: &str = "mixbed/directory/v1/voting.proto";
    // Not spoken over the network, so not in what the server says of itself.
    const STATE: &str = "mixbed/directory/state/v1/state.proto";
    println!("cargo:rerun-if-changed=proto/{PROTO}");
    println!("cargo:rerun-if-changed=proto/{VOTING}");
    println!("cargo:rerun-if-changed=proto/{STATE}");
    let files = protox::compile([PROTO, VOTING], ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("directory.bin"), files.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(files)?;
    tonic_prost_build::configure().compile_fds(protox::compile([STATE], ["proto"])?)?;
    Ok(())
}
