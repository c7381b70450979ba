//! Who may ask at an HTTP port of this machine.
//!
//! A port on loopback is not private: every web page that a browser on this machine shows can send
//! requests to it. A [`Guard`] tells a program's request from a page's by what a page cannot make up:
//!
//! - **Host.** A page can point a name of its own at 127.0.0.1 (DNS rebinding), but its requests then
//!   carry that name. So the name must be this machine's, or one that the user has listed.
//! - **Origin, Referer, `Sec-Fetch-Site`.** A browser says which page a request comes from. Programs say
//!   nothing. A page may ask only if the user has listed its origin.
//! - **Authorization**, at ports that want a [`Login`].
//!
//! [`DigestChallenge`] is the other side: a login at somebody else's port, such as monerod's.
//!
//! Every HTTP port of mixbed has one, in front of everything else. Nothing here does I/O; time and
//! randomness are arguments.

mod cors;
mod guard;
mod host;
mod login;
mod origin;
mod refusal;

pub use cors::Preflight;
pub use guard::{Guard, Passed, Refused};
pub use host::{AllowedHost, ParseHostError};
pub use login::{DigestChallenge, Login, ParseLoginError, Scheme};
pub use origin::{Origin, ParseOriginError};
pub use refusal::{Challenge, Refusal};
