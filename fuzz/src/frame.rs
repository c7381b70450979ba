//! A frame's content, after decryption.

use mixbed_wire::{Frame, PACKET_SIZE, PLAIN_FRAME_SIZE, Packet};

use crate::Seed;
use crate::input::padded;

/// Any plain bytes are refused or read as a frame that is written the same way.
pub fn run(data: &[u8]) {
    let plain: [u8; PLAIN_FRAME_SIZE] = padded(data);
    let frame = Frame::read(&plain);
    assert_eq!(frame.is_some(), plain[0] <= 1, "two kinds are known");
    let Some(frame) = frame else { return };
    let mut written = [0xff; PLAIN_FRAME_SIZE];
    frame.write(&mut written);
    match &frame {
        Frame::Packet(packet) => {
            assert_eq!(written, plain);
            assert_eq!(packet.as_bytes().as_slice(), &plain[1..]);
        }
        // A dummy's body is ignored, and zeros when it is sent.
        Frame::Dummy => assert_eq!(written[1..], [0; PACKET_SIZE]),
    }
    assert_eq!(Frame::read(&written), Some(frame));
}

/// A frame of each kind, and one of none.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let plain = |frame: Frame| {
        let mut plain = [0; PLAIN_FRAME_SIZE];
        frame.write(&mut plain);
        // What is cut off is zeros, which `run` puts back.
        plain[..64].to_vec()
    };
    vec![
        ("packet", plain(Frame::Packet(Packet::from_bytes(&[0xa5; PACKET_SIZE])))),
        ("dummy", plain(Frame::Dummy)),
        ("unknown", vec![2; 64]),
    ]
}
