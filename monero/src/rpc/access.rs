//! How a program of Monero lets in: by a login, and by TLS.

use std::fmt;
use std::str::FromStr;

use mixbed_guard::Login;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};

/// What it takes to be let in, and how to know that it is the right program. By default there is no
/// login, and an address with https has to have a certificate that this machine trusts.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// A login by HTTP digest (monerod's `--rpc-login`).
    pub login: Option<Login>,
    /// Which certificate an address with https has to have.
    pub trust: Trust,
}

/// Which certificates are good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those of the authorities that this machine trusts.
    #[default]
    System,
    /// Those of the authorities in this PEM text.
    Authorities(Vec<u8>),
    /// This one, whoever made it. monerod makes one for itself when it is not given any.
    Fingerprint(Fingerprint),
}

/// The SHA-256 of a certificate in DER: what `openssl x509 -noout -fingerprint -sha256` prints, and
/// wallets take as `--daemon-ssl-allowed-fingerprints`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a certificate's fingerprint is its SHA-256, 64 hexadecimal digits, with or without colons: \
     openssl x509 -in rpc_ssl.crt -noout -fingerprint -sha256"
)]
pub struct FingerprintError;

impl Fingerprint {
    /// That of a certificate in DER.
    #[must_use]
    pub fn of_der(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// That of the first certificate in a PEM text, if there is one.
    #[must_use]
    pub fn of_pem(text: &[u8]) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(text).ok()?;
        Some(Self::of_der(&certificate))
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: String = text.trim().chars().filter(|c| *c != ':').collect();
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| FingerprintError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_with_colons_and_without() {
        let (plain, colons) = ("ab".repeat(32), ["AB"; 32].join(":"));
        assert_eq!(plain.parse::<Fingerprint>(), colons.parse());
        assert_eq!(colons.parse::<Fingerprint>().unwrap().to_string(), plain);
        for bad in ["", "ab", &plain[1..], &plain.replace('a', "g"), &format!("{plain}00")] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError), "{bad}");
        }
    }
}
