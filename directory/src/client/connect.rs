//! The way to a directory: TCP, and the encrypted channel over it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::{Endpoint, Uri};
use tower::util::ServiceFn;

use crate::channel::{Channel, dial};
use crate::document::Trust;

/// What a directory's URL begins with.
const SCHEME: &str = "mixbed://";

/// Where `mixbed://host:port` is; nothing for what is no such URL.
pub(super) fn endpoint(url: &str) -> Option<Endpoint> {
    let place = url.strip_prefix(SCHEME)?;
    // Inside the channel it is HTTP/2, whose requests want a URL of its own kind.
    let endpoint = Endpoint::from_shared(format!("http://{place}")).ok()?;
    let uri = endpoint.uri();
    let whole = matches!(uri.path(), "" | "/") && uri.query().is_none();
    let named = uri.host().is_some_and(|host| !host.is_empty()) && uri.port_u16().is_some();
    (whole && named).then_some(endpoint)
}

/// Connects to wherever an [`endpoint`] is, and lets nothing through before it is proven to be a
/// trusted authority's.
pub(super) fn connector(
    trust: Trust,
    within: Duration,
) -> ServiceFn<impl FnMut(Uri) -> Connecting + Clone + Send + 'static> {
    let trust = Arc::new(trust);
    tower::service_fn(move |uri: Uri| {
        let trust = Arc::clone(&trust);
        let connected: Connecting = Box::pin(async move {
            match tokio::time::timeout(within, connect(&uri, &trust)).await {
                Ok(connected) => connected.map(TokioIo::new),
                Err(_) => Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no channel within {within:?}"),
                )),
            }
        });
        connected
    })
}

type Connection = TokioIo<Channel<TcpStream>>;

type Connecting = Pin<Box<dyn Future<Output = io::Result<Connection>> + Send>>;

async fn connect(uri: &Uri, trust: &Trust) -> io::Result<Channel<TcpStream>> {
    let host = uri.host().unwrap_or_default();
    // IPv6 addresses stand in brackets.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let tcp = TcpStream::connect((host, uri.port_u16().unwrap_or_default())).await?;
    tcp.set_nodelay(true)?;
    dial(tcp, trust).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["mixbed://127.0.0.1:7100", "mixbed://[::1]:7100", "mixbed://a.b.svc:1/"] {
            assert!(endpoint(good).is_some(), "{good}");
        }
        let bad = [
            "",
            "a:1",
            "http://a:1",
            "https://a:1",
            "mixbed://",
            "mixbed://a",
            "mixbed://:1",
            "mixbed://a:b",
            "mixbed://a b:1",
            "mixbed://a:1/x",
            "mixbed://a:1?x",
            "mixbed:a:1",
        ];
        for bad in bad {
            assert!(endpoint(bad).is_none(), "{bad}");
        }
    }
}
