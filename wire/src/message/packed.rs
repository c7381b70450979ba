//! Bodies that travel in as few bytes as is easily done.
//!
//! A packet costs some milliseconds of others' processors, and the last of many comes late: so what
//! needs more than one is deflated (RFC 1951) before, where that makes it shorter. It tells nobody
//! anything: packets are of one size, and whoever can count those of one message knows more already.

use miniz_oxide::{deflate, inflate};

/// As it is.
const PLAIN: u8 = 0;
/// Deflated.
const DEFLATED: u8 = 1;

/// What is shorter fits into one packet anyhow, in bytes.
const WORTH: usize = 2_000;

/// Of 1 to 10: the quickest ones leave much, and more than this gains little.
const LEVEL: u8 = 3;

/// Appends a body: a byte that says how it is, and the body.
pub(super) fn push(out: &mut Vec<u8>, body: &[u8]) {
    let deflated = (body.len() > WORTH).then(|| deflate::compress_to_vec(body, LEVEL));
    let shorter = deflated.as_deref().filter(|deflated| deflated.len() < body.len());
    out.push(if shorter.is_some() { DEFLATED } else { PLAIN });
    out.extend_from_slice(shorter.unwrap_or(body));
}

/// A body of at most so many bytes; no more memory is used for it.
pub(super) fn read(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let (how, body) = bytes.split_first()?;
    match *how {
        PLAIN if body.len() <= most => Some(body.to_vec()),
        DEFLATED => inflate::decompress_to_vec_with_limit(body, most).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_itself_is_short() {
        let body = br#"{"hash":"8a3f","height":1042},"#.repeat(300);
        let mut out = vec![7];
        push(&mut out, &body);
        assert!(out.len() < body.len() / 20, "{} of {}", out.len(), body.len());
        assert_eq!(read(&out[1..], body.len()), Some(body));
    }

    #[test]
    fn a_bomb_is_refused_before_it_takes_memory() {
        let bomb = deflate::compress_to_vec(&vec![0; 50 << 20], 6);
        assert!(bomb.len() < 100_000);
        assert_eq!(read(&[&[DEFLATED][..], &bomb].concat(), 1 << 20), None);
    }

    #[test]
    fn what_is_neither_is_refused() {
        for bytes in [&[][..], &[2, 1, 2], &[DEFLATED], &[DEFLATED, 0xff, 0xff], &[PLAIN, 1, 2, 3]]
        {
            assert_eq!(read(bytes, 2), None, "{bytes:?}");
        }
        assert_eq!(read(&[PLAIN], 2), Some(vec![]));
    }
}
