//! The logins that ports want, from wherever they are.

use std::path::{Path, PathBuf};

use mixbed_guard::{Login, ParseLoginError};
use zeroize::Zeroizing;

use crate::keys::{self, KeyError, StateDir};
use crate::settings::LoginChoice;

/// The file of a login that was drawn: in the state directory, or else where the program was started.
const DRAWN: &str = "mixbed.login";

/// Why there is no login.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyError),
    /// It holds something else.
    #[error("{path}: {source}", path = .path.display())]
    Content { path: PathBuf, source: ParseLoginError },
}

/// The login that a port is to want. One that is drawn is written to a file that its owner alone may read, the
/// same for all ports, and taken from there the next time; `say` is told where.
pub(crate) fn wanted(
    choice: Option<&LoginChoice>,
    dir: Option<&StateDir>,
    mut say: impl FnMut(String),
) -> Result<Option<Login>, LoginError> {
    match choice {
        None => Ok(None),
        Some(LoginChoice::Given(login)) => Ok(Some(login.clone())),
        Some(LoginChoice::File(path)) => read(path).map(Some),
        Some(LoginChoice::Drawn) => {
            let path = dir.map_or_else(|| PathBuf::from(DRAWN), |dir| dir.path().join(DRAWN));
            if !path.exists() {
                let login = Login::generate(&mut rand::rng());
                let text = format!("{}:{}\n", login.user(), login.expose_password());
                keys::write(&path, Zeroizing::new(text).as_bytes())?;
            }
            say(format!("login in {}", path.display()));
            read(&path).map(Some)
        }
    }
}

/// The login to give: a file that was drawn is looked for where the program is started.
pub(crate) fn given(choice: &LoginChoice) -> Result<Login, LoginError> {
    match choice {
        LoginChoice::Given(login) => Ok(login.clone()),
        LoginChoice::File(path) => read(path),
        LoginChoice::Drawn => read(Path::new(DRAWN)),
    }
}

fn read(path: &Path) -> Result<Login, LoginError> {
    let bytes = keys::read(path)?;
    let text = std::str::from_utf8(bytes.trim_ascii()).unwrap_or_default();
    text.parse().map_err(|source| LoginError::Content { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_drawn_login_stays_and_is_its_owners() {
        let base = tempfile::tempdir().unwrap();
        let dir = StateDir::open(base.path()).unwrap();
        let mut said = Vec::new();
        let mut drawn = || {
            wanted(Some(&LoginChoice::Drawn), Some(&dir), |words| said.push(words))
                .unwrap()
                .unwrap()
        };
        let (one, two) = (drawn(), drawn());
        assert_eq!(one, two);
        let path = base.path().join(DRAWN);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(said.iter().all(|words| !words.contains(one.expose_password())), "{said:?}");
        assert_eq!(given(&LoginChoice::File(path.clone())).unwrap(), one);
        std::fs::write(&path, "nonsense").unwrap();
        let error = given(&LoginChoice::File(path)).unwrap_err().to_string();
        assert!(error.contains(DRAWN) && error.contains("USER:PASSWORD"), "{error}");
    }
}
