//! One-way messages from one mailbox or gateway key to another: Noise's pattern `X`, which proves
//! the sender's key to the receiver and hides it from everybody else.

use snow::Builder;

/// The hash is that of the links' pattern: Noise (section 14) allows a key in several patterns as
/// long as it is.
const PATTERN: &str = "Noise_X_25519_ChaChaPoly_BLAKE2s";

/// What sealing adds: an ephemeral key, the sender's key and its tag, the payload's tag.
pub(crate) const OVERHEAD: usize = 32 + (32 + 16) + 16;

/// Seals `plain` from one x25519 key to another. `purpose` and `network` have to be the same at
/// both ends.
pub(crate) fn seal(
    purpose: &[u8],
    network: &str,
    from: &[u8; 32],
    to: &[u8; 32],
    plain: &[u8],
) -> Result<Vec<u8>, snow::Error> {
    let prologue = [purpose, network.as_bytes()].concat();
    let mut state = Builder::new(PATTERN.parse()?)
        .prologue(&prologue)?
        .local_private_key(from)?
        .remote_public_key(to)?
        .build_initiator()?;
    let mut out = vec![0; plain.len() + OVERHEAD];
    let length = state.write_message(plain, &mut out)?;
    debug_assert_eq!(length, out.len(), "the pattern's overhead is known");
    Ok(out)
}

/// Opens what was sealed to `own`, and says whose key sealed it.
pub(crate) fn open(
    purpose: &[u8],
    network: &str,
    own: &[u8; 32],
    sealed: &[u8],
) -> Result<([u8; 32], Vec<u8>), snow::Error> {
    let prologue = [purpose, network.as_bytes()].concat();
    let mut state = Builder::new(PATTERN.parse()?)
        .prologue(&prologue)?
        .local_private_key(own)?
        .build_responder()?;
    let mut plain = vec![0; sealed.len()];
    let length = state.read_message(sealed, &mut plain)?;
    plain.truncate(length);
    let mut from = [0; 32];
    from.copy_from_slice(state.get_remote_static().ok_or(snow::Error::Input)?);
    Ok((from, plain))
}
