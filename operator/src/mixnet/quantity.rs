//! Amounts as Kubernetes writes them: `250m`, `64Mi`, `1.5`.

#![deny(clippy::disallowed_methods)]

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// How many thousandths it is; nothing if it is no amount, or beyond all sense.
#[must_use]
pub fn thousandths(quantity: &Quantity) -> Option<u128> {
    let text = quantity.0.as_str();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let unit: u128 = match suffix {
        "m" => 1,
        "" => 1_000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "Ki" => 1_000 << 10,
        "Mi" => 1_000 << 20,
        "Gi" => 1_000 << 30,
        "Ti" => 1_000 << 40,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if number.len() > 20 || part.is_empty() {
        return None;
    }
    let scale = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let whole = whole.parse::<u128>().ok()?.checked_mul(unit)?;
    let part = part.parse::<u128>().ok()?.checked_mul(unit)?;
    // Rounded up, as Kubernetes does it.
    whole.checked_add(part.div_ceil(scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_kubernetes_does() {
        let read = |text: &str| thousandths(&Quantity(text.to_owned()));
        assert_eq!(read("250m"), Some(250));
        assert_eq!(read("1.5"), Some(1_500));
        assert_eq!(read("0.0001"), Some(1), "rounded up");
        assert_eq!(read("64Mi"), Some(64 * 1024 * 1024 * 1_000));
        assert_eq!(read("1.5Gi"), Some(1_536 * 1024 * 1024 * 1_000));
        assert_eq!(read("2k"), Some(2_000_000));
        for wrong in ["", "m", "1Zi", "-1", "1.", "1.2.3", "1e3", "999999999999999999999"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
