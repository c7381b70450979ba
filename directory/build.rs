//! Compiles the protocol's definition; protox is a compiler in Rust, so nobody installs protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const PROTO: &str = "mixbed/directory/v1/directory.proto";
    const VOTING: &str = "mixbed/directory/v1/voting.proto";
    const STATE: &str = "mixbed/directory/state/v1/state.proto";
    println!("cargo:rerun-if-changed=proto/{PROTO}");
    println!("cargo:rerun-if-changed=proto/{VOTING}");
    println!("cargo:rerun-if-changed=proto/{STATE}");
    for files in [&[PROTO, VOTING][..], &[STATE]] {
        tonic_prost_build::configure().compile_fds(protox::compile(files, ["proto"])?)?;
    }
    Ok(())
}
