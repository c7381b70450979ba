//! Headers: what the sender writes, and how a hop takes its layer off.

use std::ops::Range;

use aes::Aes128;
use aes::cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::multiply::{Point, Product, multiply, public};
use super::secrets::HopSecrets;
use super::{ADDRESS, ELEMENT, HEADER, HOPS, IDENTIFIER, LAYER, META, ROUTING, SECURITY, VERSION};

/// Where a header has its parts.
const ALPHA: Range<usize> = 0..ELEMENT;
const GAMMA: Range<usize> = ELEMENT..ELEMENT + SECURITY;
const BETA: Range<usize> = ELEMENT + SECURITY..HEADER;

/// What a layer says it is.
const FORWARD: u8 = 1;
const FINAL: u8 = 2;

/// Bytes that the last hop's layer has left: random ones, as zeros would tell the last hop how long its
/// route is (Kuhn and others, *Breaking and (Partially) Fixing Provably Secure Onion Routing*).
pub(crate) const PADDING: usize = LAYER - 1 - 3 - ADDRESS - IDENTIFIER;

/// What a hop finds in its layer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Peeled {
    /// The header is the next hop's now.
    Forward { next: [u8; ADDRESS], nanos: u64 },
    /// The route ends here.
    Final { destination: [u8; ADDRESS], identifier: [u8; IDENTIFIER] },
}

/// Why a layer cannot be taken off, though its MAC is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It says neither that the packet goes on nor that it ends here.
    Flag,
    /// It is of another version.
    Version,
}

/// The keystream ρ for a hop: what its layer is encrypted with, and what fills in behind.
fn keystream(secrets: &HopSecrets, bytes: &mut [u8]) {
    Ctr128BE::<Aes128>::new((&secrets.stream).into(), &[0; 16].into()).apply_keystream(bytes);
}

/// A header's group element.
pub(crate) fn alpha(header: &[u8]) -> Point {
    array(&header[ALPHA])
}

/// Whether a header is for the hop of these secrets, and as its sender wrote it: gamma is μ of beta.
pub(crate) fn is_genuine(header: &[u8], secrets: &HopSecrets) -> bool {
    secrets.mac(&header[BETA]).ct_eq(&header[GAMMA]).into()
}

/// Takes a hop's layer off a header that [`is_genuine`], which is the next hop's then if there is one:
/// only that costs the second multiplication.
pub(crate) fn peel(header: &mut [u8], secrets: &HopSecrets) -> Result<Peeled, Unreadable> {
    let mut padded = Zeroizing::new([0; ROUTING + LAYER]);
    padded[..ROUTING].copy_from_slice(&header[BETA]);
    keystream(secrets, padded.as_mut_slice());
    let flag = padded[0];
    if flag != FORWARD && flag != FINAL {
        return Err(Unreadable::Flag);
    }
    // The first of the version's three bytes is ignored.
    if u16::from_be_bytes([padded[2], padded[3]]) != VERSION {
        return Err(Unreadable::Version);
    }
    let (address, rest) = padded[4..].split_at(ADDRESS);
    if flag == FINAL {
        return Ok(Peeled::Final { destination: array(address), identifier: array(rest) });
    }
    header[GAMMA].copy_from_slice(&padded[META..LAYER]);
    header[BETA].copy_from_slice(&padded[LAYER..]);
    let blinded = multiply(&secrets.blinding, &alpha(header));
    header[ALPHA].copy_from_slice(&blinded);
    Ok(Peeled::Forward { next: array(address), nanos: u64::from_be_bytes(array(rest)) })
}

/// The first bytes.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[..N]);
    array
}

/// A sender's secrets of a route.
pub(crate) struct Sender {
    alpha: Point,
    hops: [HopSecrets; HOPS],
}

impl Sender {
    /// Shares a secret with each hop, given its key.
    pub(crate) fn new(ephemeral: &[u8; 32], keys: &[Point; HOPS]) -> Self {
        let mut product = Product::new(ephemeral);
        let hops = keys.map(|key| {
            let secrets = HopSecrets::of(&Zeroizing::new(product.multiply(&key)));
            product.push(&secrets.blinding);
            secrets
        });
        Self { alpha: public(ephemeral), hops }
    }

    pub(crate) fn hops(&self) -> &[HopSecrets; HOPS] {
        &self.hops
    }

    /// Writes the header: by the addresses of all hops, the first one's unused, and their delays, the
    /// last one's unused.
    pub(crate) fn write(
        &self,
        hops: &[([u8; ADDRESS], u64); HOPS],
        destination: &[u8; ADDRESS],
        identifier: &[u8; IDENTIFIER],
        padding: [u8; PADDING],
        header: &mut [u8],
    ) {
        let mut streams = Zeroizing::new([[0; ROUTING + LAYER]; HOPS]);
        for (stream, secrets) in streams.iter_mut().zip(&self.hops) {
            keystream(secrets, stream);
        }
        let mut beta = [0; ROUTING];
        // What the last hop finds behind its layer: the ends of the keystreams of all before it.
        let filler = &mut beta[LAYER..];
        for (hop, stream) in streams[..HOPS - 1].iter().enumerate() {
            let length = LAYER * (hop + 1);
            xor(&mut filler[..length], &stream[ROUTING + LAYER - length..]);
        }
        write(&mut beta[..LAYER], FINAL, &[destination, identifier, &padding]);
        xor(&mut beta[..LAYER], &streams[HOPS - 1]);
        let mut gamma = self.hops[HOPS - 1].mac(&beta);
        for hop in (0..HOPS - 1).rev() {
            let (next, _) = &hops[hop + 1];
            let (_, nanos) = &hops[hop];
            beta.copy_within(..ROUTING - LAYER, LAYER);
            write(&mut beta, FORWARD, &[next, &nanos.to_be_bytes(), &gamma]);
            xor(&mut beta, &streams[hop]);
            gamma = self.hops[hop].mac(&beta);
        }
        header[ALPHA].copy_from_slice(&self.alpha);
        header[GAMMA].copy_from_slice(&gamma);
        header[BETA].copy_from_slice(&beta);
    }
}

/// What the last hop finds behind what it reads.
#[cfg(test)]
pub(super) fn padding(header: &[u8], secrets: &HopSecrets) -> [u8; PADDING] {
    let mut layer: [u8; LAYER] = array(&header[BETA]);
    keystream(secrets, &mut layer);
    array(&layer[LAYER - PADDING..])
}

/// Encrypts routing information that is in clear, and writes its MAC.
#[cfg(test)]
pub(super) fn seal_again(header: &mut [u8], secrets: &HopSecrets) {
    keystream(secrets, &mut header[BETA]);
    let gamma = secrets.mac(&header[BETA]);
    header[GAMMA].copy_from_slice(&gamma);
}

/// Writes a layer's flag, the version, and what follows them.
fn write(layer: &mut [u8], flag: u8, parts: &[&[u8]]) {
    let [major, minor] = VERSION.to_be_bytes();
    let start = [flag, 0, major, minor];
    let all = start.iter().chain(parts.iter().copied().flatten());
    layer.iter_mut().zip(all).for_each(|(place, byte)| *place = *byte);
}

fn xor(bytes: &mut [u8], stream: &[u8]) {
    bytes.iter_mut().zip(stream).for_each(|(byte, stream)| *byte ^= stream);
}

const _: () = assert!(META + SECURITY == LAYER && PADDING == 8);
