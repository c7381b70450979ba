//! Link encryption: Noise XK, sans I/O. Bytes come and go in frames of [`FRAME_SIZE`] only.

use std::sync::Arc;

use snow::{HandshakeState, StatelessTransportState};

use crate::frame::{FRAME_SIZE, Frame, PLAIN_FRAME_SIZE, TAG_SIZE};
use crate::{LinkPublic, LinkSecret};

/// XK: the dialler knows the listener's key beforehand, its own key travels encrypted.
const PATTERN: &str = "Noise_XK_25519_ChaChaPoly_BLAKE2s";

/// In the first byte of the dialler's last handshake message.
const LINK_VERSION: u8 = 1;

/// What the key exchange adds to a handshake message's payload, by message (Noise, section 7.5).
const HANDSHAKE_OVERHEAD: [usize; 3] = [32 + TAG_SIZE, 32 + TAG_SIZE, 32 + TAG_SIZE + TAG_SIZE];

/// Why a link cannot be, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Encryption failed to verify: another key, another network, garbage, or a changed bit.
    #[error(
        "the peer does not hold the expected key, or is not a mixbed link of this network: {0}"
    )]
    Crypto(#[from] snow::Error),
    /// The peer speaks another version of the link protocol.
    #[error("the peer speaks link version {0}, this is version {LINK_VERSION}")]
    Version(u8),
    /// A frame of no known kind.
    #[error("the peer sent a frame of an unknown kind")]
    UnknownFrame,
}

/// A handshake in progress: hand it what the peer sent, send what it returns.
pub struct Handshake {
    state: HandshakeState,
    message: usize,
}

/// What a handshake wants next.
pub enum Step {
    /// Send these [`FRAME_SIZE`] bytes, then go on.
    Send(Vec<u8>, Handshake),
    /// Read [`FRAME_SIZE`] bytes and give them to [`Handshake::handle_frame`].
    Read(Handshake),
    /// The link is up.
    Done {
        /// The peer's key, proven.
        peer: LinkPublic,
        /// Encrypts what goes out.
        sealer: LinkSealer,
        /// Decrypts what comes in.
        opener: LinkOpener,
    },
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handshake(message {})", self.message)
    }
}

impl Handshake {
    /// The dialler's side; `network` names the mixnet and must be the same at both ends.
    pub fn dial(network: &str, own: &LinkSecret, peer: &LinkPublic) -> Result<Step, LinkError> {
        let prologue = prologue(network);
        let own = own.to_bytes();
        let state = builder()?
            .prologue(&prologue)?
            .local_private_key(own.as_slice())?
            .remote_public_key(peer.as_bytes())?
            .build_initiator()?;
        Self { state, message: 0 }.next()
    }

    /// The listener's side.
    pub fn listen(network: &str, own: &LinkSecret) -> Result<Step, LinkError> {
        let prologue = prologue(network);
        let own = own.to_bytes();
        let state =
            builder()?.prologue(&prologue)?.local_private_key(own.as_slice())?.build_responder()?;
        Self { state, message: 0 }.next()
    }

    /// Takes the peer's next handshake message.
    pub fn handle_frame(mut self, frame: &[u8; FRAME_SIZE]) -> Result<Step, LinkError> {
        let mut payload = [0; FRAME_SIZE];
        let length = self.state.read_message(frame, &mut payload)?;
        self.message += 1;
        if self.message == 3 && (length == 0 || payload[0] != LINK_VERSION) {
            return Err(LinkError::Version(payload[0]));
        }
        self.next()
    }

    /// What comes after the messages so far.
    pub fn next(mut self) -> Result<Step, LinkError> {
        if self.state.is_handshake_finished() {
            return self.finish();
        }
        if !self.state.is_my_turn() {
            return Ok(Step::Read(self));
        }
        let overhead = HANDSHAKE_OVERHEAD.get(self.message).copied().unwrap_or(TAG_SIZE);
        let mut payload = vec![0; FRAME_SIZE - overhead];
        payload[0] = LINK_VERSION;
        let mut frame = vec![0; FRAME_SIZE];
        let length = self.state.write_message(&payload, &mut frame)?;
        debug_assert_eq!(length, FRAME_SIZE, "padding makes each message a frame");
        self.message += 1;
        Ok(Step::Send(frame, self))
    }

    fn finish(self) -> Result<Step, LinkError> {
        let mut peer = [0; 32];
        if let Some(key) = self.state.get_remote_static() {
            peer.copy_from_slice(key);
        }
        let state = Arc::new(self.state.into_stateless_transport_mode()?);
        Ok(Step::Done {
            peer: LinkPublic::from_bytes(peer),
            sealer: LinkSealer { state: Arc::clone(&state), nonce: 0 },
            opener: LinkOpener { state, nonce: 0 },
        })
    }
}

/// Encrypts the frames that go out on a link.
pub struct LinkSealer {
    state: Arc<StatelessTransportState>,
    nonce: u64,
}

impl LinkSealer {
    /// Appends the frame's [`FRAME_SIZE`] bytes to `out`.
    pub fn seal(&mut self, frame: &Frame, out: &mut Vec<u8>) -> Result<(), LinkError> {
        let mut plain = [0; PLAIN_FRAME_SIZE];
        frame.write(&mut plain);
        let start = out.len();
        out.resize(start + FRAME_SIZE, 0);
        self.state.write_message(self.nonce, &plain, &mut out[start..])?;
        self.nonce += 1;
        Ok(())
    }
}

/// Decrypts the frames that come in on a link.
pub struct LinkOpener {
    state: Arc<StatelessTransportState>,
    nonce: u64,
}

impl LinkOpener {
    /// Opens the next frame. After an error the link is of no more use: a frame is missing,
    /// changed or forged, and no later one would verify.
    pub fn open(&mut self, frame: &[u8; FRAME_SIZE]) -> Result<Frame, LinkError> {
        let mut plain = [0; PLAIN_FRAME_SIZE];
        self.state.read_message(self.nonce, frame, &mut plain)?;
        self.nonce += 1;
        Frame::read(&plain).ok_or(LinkError::UnknownFrame)
    }
}

fn builder<'a>() -> Result<snow::Builder<'a>, LinkError> {
    Ok(snow::Builder::new(PATTERN.parse()?))
}

fn prologue(network: &str) -> Vec<u8> {
    [b"mixbed link\0".as_slice(), network.as_bytes()].concat()
}
