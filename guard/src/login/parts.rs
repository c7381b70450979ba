//! The parts of a header that has names with values, as a login's headers do.
#![deny(clippy::disallowed_methods)]

/// No more parts are read.
const MAX_PARTS: usize = 32;

/// The names, in small letters, with their values; none if the text is malformed, or a name comes twice.
pub(super) fn parts(text: &str) -> Option<Vec<(String, String)>> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim().to_ascii_lowercase();
        let (value, after) = value(after.trim_start())?;
        let is_token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        if parts.len() == MAX_PARTS || parts.iter().any(|(seen, _)| *seen == name) {
            return None;
        }
        parts.push((name, value));
        rest = match after.trim_start() {
            "" => "",
            after => after.strip_prefix(',')?.trim_start(),
        };
    }
    Some(parts)
}

/// A token or a quoted string, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_malformed_is_none() {
        for bad in [
            "username",
            "username=",
            "a=\"b",
            "a=\"b\\",
            "a=b c=d",
            "a=b,a=c",
            "nc=1,,nc=2",
            "=",
            "a=\"b\"c=\"d\"",
        ] {
            assert_eq!(parts(bad), None, "{bad}");
        }
        let many: Vec<_> = (0..40).map(|n| format!("p{n}=1")).collect();
        assert_eq!(parts(&many.join(",")), None);
    }
}
