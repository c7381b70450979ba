//! X25519: multiples of points, and products of scalars.

use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use zeroize::Zeroizing;

/// A point by its u-coordinate: any 32 bytes, the top bit ignored and the rest taken mod 2²⁵⁵ − 19.
pub(super) type Point = [u8; 32];

/// u of the scalar's multiple of the point, as RFC 7748 has it: the scalar is clamped first. Zero where
/// the multiple has no u, which happens for points of small order only. Takes the same time for
/// whatever scalar.
pub(super) fn multiply(scalar: &[u8; 32], point: &Point) -> Point {
    fast::multiply(scalar, point).unwrap_or_else(|| slow::multiply(scalar, point))
}

/// The public half of a scalar: its multiple of the base point.
pub(super) fn public(scalar: &[u8; 32]) -> Point {
    fast::public(scalar).unwrap_or_else(|| slow::public(scalar))
}

/// By curve25519-dalek, which runs everywhere.
pub(super) mod slow {
    use super::{MontgomeryPoint, Point};

    pub(in super::super) fn multiply(scalar: &[u8; 32], point: &Point) -> Point {
        MontgomeryPoint(*point).mul_clamped(*scalar).0
    }

    pub(in super::super) fn public(scalar: &[u8; 32]) -> Point {
        MontgomeryPoint::mul_base_clamped(*scalar).0
    }
}

/// By graviola, whose loops are s2n-bignum's: half of what curve25519-dalek takes. It panics on
/// processors from before 2014, which lack instructions that it is written in.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod fast {
    use graviola::key_agreement::x25519::{PublicKey, StaticPrivateKey};

    use super::Point;

    /// Whether the processor has all the instructions. graviola does not ask for BMI2, which its X25519
    /// has too.
    fn is_supported() -> bool {
        #[cfg(target_arch = "x86_64")]
        if !std::arch::is_x86_feature_detected!("bmi2") {
            return false;
        }
        graviola::util::is_cpu_supported()
    }

    pub(super) fn multiply(scalar: &[u8; 32], point: &Point) -> Option<Point> {
        is_supported().then(|| {
            let product =
                StaticPrivateKey::from_array(scalar).diffie_hellman(&PublicKey::from_array(point));
            // It has one error, for a product without u.
            product.map_or([0; 32], |product| product.as_bytes())
        })
    }

    pub(super) fn public(scalar: &[u8; 32]) -> Option<Point> {
        is_supported().then(|| StaticPrivateKey::from_array(scalar).public_key().as_bytes())
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod fast {
    use super::Point;

    pub(super) fn multiply(_: &[u8; 32], _: &Point) -> Option<Point> {
        None
    }

    pub(super) fn public(_: &[u8; 32]) -> Option<Point> {
        None
    }
}

/// Clamped scalars, to be multiplied with points one after the other.
pub(super) struct Product {
    factors: Zeroizing<[[u8; 32]; super::HOPS]>,
    count: usize,
    /// What they are together, mod the order of the base point.
    together: Zeroizing<Scalar>,
}

impl Product {
    pub(super) fn new(first: &[u8; 32]) -> Self {
        let mut product = Self {
            factors: Zeroizing::new([[0; 32]; super::HOPS]),
            count: 0,
            together: Zeroizing::new(Scalar::ONE),
        };
        product.push(first);
        product
    }

    /// Another factor; those of a route's hops fit.
    pub(super) fn push(&mut self, factor: &[u8; 32]) {
        if let Some(place) = self.factors.get_mut(self.count) {
            *place = *factor;
            self.count += 1;
            *self.together *= Scalar::from_bytes_mod_order(clamp_integer(*factor));
        }
    }

    /// What [`multiply`] makes of the point by one factor after the other.
    ///
    /// One multiplication does it if the point is on the curve: the curve's group has the order 8ℓ, and
    /// [`as_clamped`] is congruent to plus or minus the product both mod ℓ and mod 8. The twist's
    /// group has another order, so for a point there, and only a hostile node publishes one, each
    /// factor takes its own.
    pub(super) fn multiply(&self, point: &Point) -> Point {
        let one = (self.count > 1 && is_on_curve(point)).then(|| as_clamped(&self.together));
        if let Some(Some(scalar)) = one {
            return multiply(&scalar, point);
        }
        let factors = &self.factors[..self.count];
        factors.iter().fold(*point, |point, factor| multiply(factor, &point))
    }
}

/// Whether it is a point of the curve, not of its twist. Tells nothing but that of the point, and that
/// it takes its time.
pub(super) fn is_on_curve(point: &Point) -> bool {
    MontgomeryPoint(*point).to_edwards(0).is_some()
}

/// ℓ: the order of the base point, little endian.
const ORDER: [u64; 4] = [0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000];

/// A clamped scalar that is congruent mod ℓ to this one or to its negative, which has the same
/// u-coordinates for its multiples. Like every clamped scalar it is a multiple of 8.
///
/// It is k + mℓ, for that m from 0 to 7 that makes a multiple of 8. Clamped scalars are those from 2²⁵⁴
/// to 2²⁵⁵, which is m from 4 on; where m is less it is 7 − m for −k. Nothing in the one case of 2¹²⁶
/// in which 7ℓ + k is 2²⁵⁵ or more, and for zero, which no product of clamped scalars is.
pub(super) fn as_clamped(scalar: &Scalar) -> Option<Zeroizing<[u8; 32]>> {
    // ℓ is 5 mod 8, and so is its inverse.
    let multiple_of_8 = |scalar: &Scalar| (scalar.as_bytes()[0] & 7).wrapping_mul(3) & 7;
    let small = subtle::Choice::from(u8::from(multiple_of_8(scalar) < 4));
    let mut scalar = Zeroizing::new(*scalar);
    let negative = -*scalar;
    subtle::ConditionallySelectable::conditional_assign(&mut *scalar, &negative, small);
    let m = u128::from(multiple_of_8(&scalar));
    let mut bytes = Zeroizing::new([0; 32]);
    let (words, _) = scalar.as_bytes().as_chunks::<8>();
    let mut carry = 0_u128;
    for ((place, word), order) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words).zip(ORDER) {
        carry += u128::from(u64::from_le_bytes(*word)) + m * u128::from(order);
        #[expect(clippy::cast_possible_truncation, reason = "the rest is carried")]
        let low = carry as u64;
        *place = low.to_le_bytes();
        carry >>= 64;
    }
    (clamp_integer(*bytes) == *bytes).then_some(bytes)
}
