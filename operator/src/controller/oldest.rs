//! The oldest Kubernetes that Mixnets run on.

#![deny(clippy::disallowed_methods)]

use k8s_openapi::apimachinery::pkg::version::Info;

/// Since 1.29 init containers may run beside the others, as monerods and wallets do.
const OLDEST: (u32, u32) = (1, 29);

/// The version, if it is older than that. One that cannot be read is taken for new enough.
pub(super) fn too_old(info: &Info) -> Option<String> {
    // Clouds write a minor version like 29+.
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse::<u32>().ok()
    };
    let found = (number(&info.major)?, number(&info.minor)?);
    (found < OLDEST).then(|| info.git_version.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(major: &str, minor: &str) -> bool {
        let info = Info { major: major.to_owned(), minor: minor.to_owned(), ..Info::default() };
        too_old(&info).is_some()
    }

    #[test]
    fn only_what_is_known_to_be_older_is_too_old() {
        assert!(of("1", "28") && of("1", "28+") && of("0", "99"));
        assert!(!of("1", "29") && !of("1", "34+") && !of("2", "0") && !of("", ""));
    }
}
