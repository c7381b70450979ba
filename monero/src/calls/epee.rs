//! Monero's binary encoding of fields (epee's portable storage), as far as it takes to leave some out.
//!
//! ```text
//! 01 11 01 01 | 01 01 02 01 | 01 | section
//! section: count | count times: name's length 1 | name | value
//! value: type 1 | bytes, by the type; with the bit 80 of the type a count and so many of them
//! ```
//!
//! A count and a string's length have 1, 2, 4 or 8 bytes, as the lowest two bits of the first say.

/// What each begins with: two signatures and a version.
const HEAD: [u8; 9] = [0x01, 0x11, 0x01, 0x01, 0x01, 0x01, 0x02, 0x01, 0x01];

/// The bit of a type that says that there are several.
const ARRAY: u8 = 0x80;

/// No request has more fields, those that nobody knows included.
const MAX_FIELDS: usize = 64;

/// Sections within sections; requests have two.
const MAX_DEPTH: u8 = 8;

/// The same with the fields only that `keeps` likes, sorted by their names; none if it is not well-formed.
/// No bytes at all are no fields.
pub(super) fn filtered(bytes: &[u8], keeps: impl Fn(&str) -> bool) -> Option<Vec<u8>> {
    let mut fields = if bytes.is_empty() { Vec::new() } else { read(bytes)? };
    fields.retain(|(name, _)| keeps(name));
    let mut out = HEAD.to_vec();
    write_count(&mut out, fields.len());
    for (_, entry) in fields {
        out.extend_from_slice(entry);
    }
    Some(out)
}

/// The fields' names, sorted, each with its bytes from its name on.
fn read(bytes: &[u8]) -> Option<Vec<(&str, &[u8])>> {
    let mut rest = bytes.strip_prefix(&HEAD)?;
    let count = count(&mut rest)?;
    if count > MAX_FIELDS {
        return None;
    }
    let mut fields = Vec::with_capacity(count);
    for _ in 0..count {
        let begin = rest;
        let name = std::str::from_utf8(name(&mut rest)?).ok()?;
        skip_value(&mut rest, 0)?;
        fields.push((name, &begin[..begin.len() - rest.len()]));
    }
    fields.sort_unstable();
    let is_unique = fields.windows(2).all(|pair| pair[0].0 != pair[1].0);
    (is_unique && rest.is_empty()).then_some(fields)
}

fn skip_value(rest: &mut &[u8], depth: u8) -> Option<()> {
    let [kind] = *take(rest, 1)? else { return None };
    let many = if kind & ARRAY == 0 { 1 } else { count(rest)? };
    let size = match kind & !ARRAY {
        1 | 5 | 9 => 8,
        2 | 6 => 4,
        3 | 7 => 2,
        4 | 8 | 11 => 1,
        10 => return (0..many).try_for_each(|_| skip_string(rest)),
        12 => return (0..many).try_for_each(|_| skip_section(rest, depth)),
        _ => return None,
    };
    take(rest, many.checked_mul(size)?).map(drop)
}

fn skip_string(rest: &mut &[u8]) -> Option<()> {
    let length = count(rest)?;
    take(rest, length).map(drop)
}

fn skip_section(rest: &mut &[u8], depth: u8) -> Option<()> {
    if depth == MAX_DEPTH {
        return None;
    }
    for _ in 0..count(rest)? {
        name(rest)?;
        skip_value(rest, depth + 1)?;
    }
    Some(())
}

fn name<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let [length] = *take(rest, 1)? else { return None };
    take(rest, length.into())
}

fn count(rest: &mut &[u8]) -> Option<usize> {
    let width = 1 << (rest.first()? & 3);
    let mut wide = [0; 8];
    wide[..width].copy_from_slice(take(rest, width)?);
    usize::try_from(u64::from_le_bytes(wide) >> 2).ok()
}

/// Up to 63, which is more than there are fields.
fn write_count(out: &mut Vec<u8>, count: usize) {
    out.push(u8::try_from(count << 2).unwrap_or(u8::MAX << 2));
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A request of these fields, in this order.
    pub(in crate::calls) fn request(fields: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = HEAD.to_vec();
        write_count(&mut out, fields.len());
        for (name, value) in fields {
            out.push(u8::try_from(name.len()).unwrap());
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(value);
        }
        out
    }

    const YES: &[u8] = &[11, 1];
    const KEY: &[u8] = &[10, 5 << 2, b'k', b'e', b'y', b'0', b'1'];
    /// Two sections with a number each.
    const OUTS: &[u8] =
        &[0x8c, 2 << 2, 1 << 2, 1, b'n', 5, 7, 0, 0, 0, 0, 0, 0, 0, 1 << 2, 1, b'n', 8, 9];

    #[test]
    fn fields_are_left_out_and_sorted() {
        let bytes = request(&[("prune", YES), ("client", KEY), ("outputs", OUTS)]);
        let kept = filtered(&bytes, |name| name != "client").unwrap();
        assert_eq!(kept, request(&[("outputs", OUTS), ("prune", YES)]));
        assert_eq!(filtered(&[], |_| true).unwrap(), request(&[]));
        let wide = [&[0x88][..], &((400_u16 << 2) | 1).to_le_bytes(), &[3; 400]].concat();
        let bytes = request(&[("a", &wide)]);
        assert_eq!(filtered(&bytes, |_| true).unwrap(), bytes, "a count of two bytes");
    }

    #[test]
    fn what_is_not_well_formed_is_none() {
        let whole = request(&[("client", KEY), ("outputs", OUTS), ("prune", YES)]);
        for end in 1..whole.len() {
            assert_eq!(filtered(&whole[..end], |_| true), None, "cut at {end}");
        }
        assert_eq!(filtered(&[&whole[..], &[0]].concat(), |_| true), None, "more behind it");
        assert_eq!(filtered(&request(&[("a", YES), ("a", YES)]), |_| true), None, "twice");
        for value in
            [&[0][..], &[13, 0], &[14], &[0x85, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]]
        {
            assert_eq!(filtered(&request(&[("a", value)]), |_| true), None, "{value:?}");
        }
        let deep: Vec<u8> = [12, 1 << 2, 0].repeat(100_000);
        assert_eq!(filtered(&request(&[("a", &deep)]), |_| true), None, "too deep");
    }
}
