//! How somebody's monerod lets this program in.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use mixbed_monero::rpc::{Access, Trust};

use crate::failure::Failure;
use crate::login;
use crate::settings::{CertificateChoice, LoginChoice};

/// The longest PEM file that is read, in bytes: a system's authorities are some 250 KB.
const MAX_PEM: u64 = 1 << 20;

/// What the settings say, files read.
pub(crate) fn of(
    login: Option<&LoginChoice>,
    certificate: Option<&CertificateChoice>,
) -> Result<Access, Failure> {
    let login = login.map(login::given).transpose().map_err(Failure::usage)?;
    let trust = match certificate {
        None => Trust::System,
        Some(CertificateChoice::Fingerprint(fingerprint)) => Trust::Fingerprint(*fingerprint),
        Some(CertificateChoice::Authorities(path)) => Trust::Authorities(
            read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?,
        ),
    };
    Ok(Access { login, trust })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut pem = Vec::new();
    File::open(path)?.take(MAX_PEM + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > MAX_PEM {
        return Err(io::Error::other(format!(
            "a file with certificates has at most {MAX_PEM} bytes"
        )));
    }
    Ok(pem)
}
