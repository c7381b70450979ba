//! Which login a port wants.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use mixbed_guard::{Login, ParseLoginError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Where a login comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoginChoice {
    /// One is drawn, and kept in a file.
    Drawn,
    /// From a file with one line, USER:PASSWORD.
    File(PathBuf),
    /// As it was given.
    Given(Login),
}

impl LoginChoice {
    /// What is written for one that is drawn.
    pub(crate) const DRAWN: &str = "drawn";
}

impl FromStr for LoginChoice {
    type Err = ParseLoginError;

    fn from_str(text: &str) -> Result<Self, ParseLoginError> {
        match (text, text.strip_prefix('@')) {
            (Self::DRAWN, _) => Ok(Self::Drawn),
            (_, Some(path)) => {
                let Ok(path): Result<PathBuf, Infallible> = path.parse();
                Ok(Self::File(path))
            }
            (login, None) => Ok(Self::Given(login.parse()?)),
        }
    }
}

impl fmt::Display for LoginChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drawn => f.write_str(Self::DRAWN),
            Self::File(path) => write!(f, "@{}", path.display()),
            // Whoever prints settings prints no password.
            Self::Given(login) => write!(f, "{}:", login.user()),
        }
    }
}

impl Serialize for LoginChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LoginChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_a_file_or_itself() {
        assert_eq!("drawn".parse(), Ok(LoginChoice::Drawn));
        assert_eq!("@/a/b:c".parse(), Ok(LoginChoice::File("/a/b:c".into())));
        let given: LoginChoice = "user:secret".parse().unwrap();
        assert!(matches!(&given, LoginChoice::Given(login) if login.user() == "user"));
        assert!(!format!("{given} {given:?}").contains("secret"));
        assert_eq!("user".parse::<LoginChoice>(), Err(ParseLoginError::NoColon));
    }
}
