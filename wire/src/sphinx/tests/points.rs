//! Multiples of every kind of point, and products of scalars.

use curve25519_dalek::scalar::{Scalar, clamp_integer};
use proptest::prelude::*;
use x25519_dalek::x25519;

use super::super::multiply::{Product, as_clamped, is_on_curve, multiply, public, slow};

/// p − 1, little endian.
const MINUS_ONE: [u8; 32] = {
    let mut bytes = [0xff; 32];
    (bytes[0], bytes[31]) = (0xec, 0x7f);
    bytes
};

/// u of the points of order 8.
const ORDER_8: [&str; 2] = [
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
];

/// Points of small order on the curve and on its twist, in each of their encodings: RFC 7748 takes the
/// numbers from p to 2²⁵⁵ for those from 0 to 18, and ignores the top bit.
fn small() -> Vec<[u8; 32]> {
    let number = |low: u8| {
        let mut bytes = [0; 32];
        bytes[0] = low;
        bytes
    };
    let beyond = |low: u8| {
        let mut bytes = MINUS_ONE;
        bytes[0] = 0xed + low;
        bytes
    };
    let order_8 =
        ORDER_8.map(|point| <[u8; 32]>::try_from(hex::decode(point).unwrap()).expect("32 bytes"));
    let mut points = vec![number(0), number(1), MINUS_ONE, beyond(0), beyond(1)];
    points.extend(order_8);
    with_top_bit(points)
}

fn with_top_bit(mut points: Vec<[u8; 32]>) -> Vec<[u8; 32]> {
    let mut same = points.clone();
    for point in &mut same {
        point[31] |= 0x80;
    }
    points.append(&mut same);
    points
}

/// Every kind of point: honest keys, any bytes (half of them on the twist), numbers that are not
/// reduced, small order, and honest keys with a part of small order.
fn point() -> impl Strategy<Value = [u8; 32]> {
    let base = x25519_dalek::X25519_BASEPOINT_BYTES;
    let honest = any::<[u8; 32]>().prop_map(move |secret| x25519(secret, base));
    let beyond = (0_u8..=18).prop_map(|low| {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (0xed + low, 0x7f);
        bytes
    });
    prop_oneof![
        4 => honest.clone(),
        4 => any::<[u8; 32]>(),
        1 => beyond,
        1 => proptest::sample::select(small()),
        2 => (honest, 0..8_usize).prop_map(|(point, part)| with_small_part(point, part)),
    ]
}

/// The point with another of the eight points of small order added.
fn with_small_part(point: [u8; 32], part: usize) -> [u8; 32] {
    use curve25519_dalek::constants::EIGHT_TORSION;
    let point = curve25519_dalek::montgomery::MontgomeryPoint(point).to_edwards(0);
    (point.expect("an honest key is on the curve") + EIGHT_TORSION[part]).to_montgomery().0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_multiple_is_theirs(scalar: [u8; 32], point in point()) {
        let theirs = x25519(scalar, point);
        prop_assert_eq!(multiply(&scalar, &point), theirs);
        prop_assert_eq!(slow::multiply(&scalar, &point), theirs);
    }

    #[test]
    fn a_public_half_is_theirs(scalar: [u8; 32]) {
        let secret = x25519_dalek::StaticSecret::from(scalar);
        let theirs = x25519_dalek::PublicKey::from(&secret).to_bytes();
        prop_assert_eq!(public(&scalar), theirs);
        prop_assert_eq!(slow::public(&scalar), theirs);
    }

    #[test]
    fn a_product_is_one_factor_after_the_other(
        factors in proptest::collection::vec(any::<[u8; 32]>(), 1..=5),
        point in point(),
    ) {
        let mut product = Product::new(&factors[0]);
        factors[1..].iter().for_each(|factor| product.push(factor));
        let theirs = factors.iter().fold(point, |point, factor| x25519(*factor, point));
        prop_assert_eq!(product.multiply(&point), theirs);
    }

    #[test]
    fn a_clamped_scalar_is_the_same_or_the_negative(scalar: [u8; 32], part in 0..8_usize) {
        let scalar = Scalar::from_bytes_mod_order(scalar);
        let clamped = as_clamped(&scalar).expect("no test meets the one case");
        prop_assert_eq!(clamp_integer(*clamped), *clamped);
        let reduced = Scalar::from_bytes_mod_order(*clamped);
        prop_assert!(reduced == scalar || reduced == -scalar);
        // And a multiple of 8: no part of small order is left.
        let base = x25519(scalar.to_bytes(), x25519_dalek::X25519_BASEPOINT_BYTES);
        prop_assert_eq!(
            x25519(*clamped, with_small_part(base, part)),
            x25519(*clamped, base)
        );
    }
}

#[test]
fn points_of_small_order_have_no_multiple() {
    for point in small() {
        for scalar in [[0; 32], [0xff; 32], [7; 32]] {
            assert_eq!(multiply(&scalar, &point), [0; 32]);
            assert_eq!(x25519(scalar, point), [0; 32]);
        }
        let mut product = Product::new(&[3; 32]);
        product.push(&[4; 32]);
        assert_eq!(product.multiply(&point), [0; 32]);
    }
}

#[test]
fn the_ends_of_the_scalars_are_clamped_too() {
    for small in 0..64_u8 {
        for scalar in [Scalar::from(small), -Scalar::from(small)] {
            let clamped = as_clamped(&scalar);
            // 0, and those for which 7ℓ + k is 2²⁵⁵ or more.
            assert_eq!(clamped.is_none(), small % 8 == 0, "{small}");
            let Some(clamped) = clamped else { continue };
            assert_eq!(clamp_integer(*clamped), *clamped);
            let reduced = Scalar::from_bytes_mod_order(*clamped);
            assert!(reduced == scalar || reduced == -scalar, "{small}");
        }
    }
}

#[test]
fn half_of_all_numbers_are_on_the_twist_and_minus_one_too() {
    let on_curve = (2..=250_u8).filter(|low| is_on_curve(&[*low; 32])).count();
    assert!((90..160).contains(&on_curve), "{on_curve}");
    assert!(!is_on_curve(&MINUS_ONE));
}
