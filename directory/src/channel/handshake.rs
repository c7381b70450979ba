//! The two messages that begin a channel, without I/O.

use mixbed_wire::LinkSecret;
use snow::{Builder, HandshakeState, TransportState};

use crate::document::Trust;
use crate::identity::{IdentityPublic, IdentitySecret, Signature};

/// NX: who dials shows no key, who answers shows one, encrypted.
const PATTERN: &str = "Noise_NX_25519_ChaChaPoly_BLAKE2s";

/// Both ends of another version disagree in their first message.
const PROLOGUE: &[u8] = b"mixbed directory channel v1\0";

/// What an authority's signature on a channel key is good for.
const DOMAIN: &[u8] = b"mixbed directory channel key v1\0";

/// An authority's public key and its signature.
const VOUCHER_BYTES: usize = 32 + 64;

/// Authority keys that vouch for a channel key: an old one and its successor, and room to spare.
const MAX_VOUCHERS: usize = 4;

/// The first message: a fresh public key, nothing else.
pub(super) const HELLO_BYTES: usize = 32;

/// The longest answer: a fresh key, the channel key and vouchers, each encrypted and with a tag.
pub(super) const MAX_ANSWER_BYTES: usize = 32 + (32 + 16) + MAX_VOUCHERS * VOUCHER_BYTES + 16;

/// Why there is no channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The peer's bytes are no handshake.
    #[error("the peer speaks another protocol: is this a mixbed directory's port?")]
    OtherProtocol,
    /// Nobody that is trusted vouches for the peer.
    #[error(
        "the peer is not this network's directory: it shows the key {key}, which is not a trusted authority's; check the authority's key and the address"
    )]
    Untrusted {
        /// The first key that it shows.
        key: IdentityPublic,
    },
    /// The peer shows a trusted key and cannot prove it, for this network at least.
    #[error(
        "the peer shows the authority key {key} without its signature for the network {network:?}: check the network's name, or somebody stands between"
    )]
    Forged {
        /// The key that it shows.
        key: IdentityPublic,
        /// The network that was to be reached.
        network: String,
    },
}

/// What an authority proves its channels with.
pub struct Credential {
    pub(super) key: LinkSecret,
    pub(super) vouchers: Vec<u8>,
}

impl Credential {
    /// A channel key, and the signatures of the authority's keys over it; of more than four keys
    /// the first four sign.
    #[must_use]
    pub fn new(network: &str, key: LinkSecret, authorities: &[&IdentitySecret]) -> Self {
        let message = voucher_message(network, key.public().as_bytes());
        let vouchers = authorities.iter().take(MAX_VOUCHERS).flat_map(|authority| {
            let signature = authority.sign(DOMAIN, &message);
            [authority.public().as_bytes().as_slice(), signature.as_bytes()].concat()
        });
        Self { vouchers: vouchers.collect(), key }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("key", &self.key.public()).finish_non_exhaustive()
    }
}

/// A network's name has no zero byte in it, so no two pairs make one message.
fn voucher_message(network: &str, channel_key: &[u8]) -> Vec<u8> {
    [network.as_bytes(), b"\0", channel_key].concat()
}

/// Who dials, after the first message.
#[derive(Debug)]
pub struct Initiator(HandshakeState);

impl Initiator {
    /// Begins; gives the first message.
    pub fn hello() -> Result<(Self, Vec<u8>), HandshakeError> {
        let mut state = builder()?.build_initiator().map_err(broken)?;
        // Noise wants room for a tag, which this message has not.
        let mut hello = vec![0; HELLO_BYTES + 16];
        let length = state.write_message(&[], &mut hello).map_err(broken)?;
        debug_assert_eq!(length, HELLO_BYTES);
        hello.truncate(length);
        Ok((Self(state), hello))
    }

    /// Takes the answer. It is believed if one of the trusted authorities vouches for the channel
    /// key that it came from.
    pub fn finish(
        mut self,
        answer: &[u8],
        trust: &Trust,
    ) -> Result<TransportState, HandshakeError> {
        if answer.len() > MAX_ANSWER_BYTES {
            return Err(HandshakeError::OtherProtocol);
        }
        let mut payload = [0; MAX_ANSWER_BYTES];
        let length = self.0.read_message(answer, &mut payload).map_err(broken)?;
        let channel_key = self.0.get_remote_static().ok_or(HandshakeError::OtherProtocol)?;
        believe(&payload[..length], channel_key, trust)?;
        self.0.into_transport_mode().map_err(broken)
    }
}

/// What an answer to a first message comes to.
#[derive(Debug)]
pub struct Answered {
    /// To be sent.
    pub answer: Vec<u8>,
    /// What is said after.
    pub transport: TransportState,
}

/// Answers a first message.
pub fn answer(hello: &[u8], credential: &Credential) -> Result<Answered, HandshakeError> {
    if hello.len() != HELLO_BYTES {
        return Err(HandshakeError::OtherProtocol);
    }
    let own = credential.key.to_bytes();
    let builder = builder()?.local_private_key(own.as_slice()).map_err(broken)?;
    let mut state = builder.build_responder().map_err(broken)?;
    state.read_message(hello, &mut []).map_err(broken)?;
    let mut answer = vec![0; MAX_ANSWER_BYTES];
    let length = state.write_message(&credential.vouchers, &mut answer).map_err(broken)?;
    answer.truncate(length);
    let transport = state.into_transport_mode().map_err(broken)?;
    Ok(Answered { answer, transport })
}

fn believe(vouchers: &[u8], channel_key: &[u8], trust: &Trust) -> Result<(), HandshakeError> {
    let message = voucher_message(&trust.network, channel_key);
    let (vouchers, rest) = vouchers.as_chunks::<VOUCHER_BYTES>();
    if !rest.is_empty() || vouchers.is_empty() {
        return Err(HandshakeError::OtherProtocol);
    }
    let mut untrusted = None;
    for voucher in vouchers {
        let (key, signature) = voucher.split_at(32);
        let parts = key.try_into().ok().zip(signature.try_into().ok());
        let (key, signature) = parts.ok_or(HandshakeError::OtherProtocol)?;
        let (key, signature) = (IdentityPublic::from_bytes(key), Signature::from_bytes(signature));
        if !trust.keys.contains(&key) {
            untrusted.get_or_insert(key);
        } else if key.verifies(DOMAIN, &message, &signature) {
            return Ok(());
        } else {
            return Err(HandshakeError::Forged { key, network: trust.network.clone() });
        }
    }
    let key = untrusted.ok_or(HandshakeError::OtherProtocol)?;
    Err(HandshakeError::Untrusted { key })
}

fn builder<'a>() -> Result<Builder<'a>, HandshakeError> {
    let pattern = PATTERN.parse().map_err(broken)?;
    Builder::new(pattern).prologue(PROLOGUE).map_err(broken)
}

/// Whatever Noise stumbles over, the peer's bytes are no handshake of this kind.
fn broken(_: snow::Error) -> HandshakeError {
    HandshakeError::OtherProtocol
}
