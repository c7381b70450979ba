//! Clients for HTTP, as all of mixbed makes them: what is addressed is asked, and nobody between.

use reqwest::{Client, ClientBuilder, redirect};

use super::Trust;
use super::tls;

/// A client for `http://` alone. It ignores proxies in the environment and follows no redirects.
///
/// [`reqwest`] by itself would want to know which authorities this machine trusts, and there may be
/// none.
pub fn http_client() -> ClientBuilder {
    careful(Client::builder().tls_backend_preconfigured(tls::nobody()))
}

/// The same for `https://` too, to whom is trusted.
///
/// # Errors
/// Why nobody can be trusted so.
pub fn https_client(trust: &Trust) -> Result<ClientBuilder, String> {
    Ok(careful(Client::builder().tls_backend_preconfigured(tls::config(trust)?)))
}

fn careful(client: ClientBuilder) -> ClientBuilder {
    client.no_proxy().redirect(redirect::Policy::none())
}
