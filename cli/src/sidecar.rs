//! Ends what a service mesh put beside a program that has done its work: the pod of a Job is over only when all of its
//! containers are.

use std::time::Duration;

use mixbed_monero::rpc::http_client;

/// How long one may take to answer. Where there is none, the connection is refused at once.
const ANSWER: Duration = Duration::from_secs(2);

/// Asks each of these addresses to end what listens there; most of them are nobody's.
pub(crate) async fn end(addresses: &[String]) {
    if addresses.is_empty() {
        return;
    }
    let Ok(client) = http_client().timeout(ANSWER).build() else { return };
    for address in addresses {
        match client.post(address).send().await {
            Ok(answer) => tracing::info!("asked {address} to end: {}", answer.status()),
            Err(error) => tracing::debug!("nothing to end at {address}: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_is_there_is_asked_and_who_is_not_holds_nothing_up() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let away = format!("http://{}/quitquitquit", nobody.local_addr().unwrap());
        drop(nobody);
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = format!("http://{}/quitquitquit", proxy.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut connection, _) = proxy.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(connection.read_u8().await.unwrap());
            }
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            String::from_utf8(head).unwrap()
        });
        end(&[away, there]).await;
        assert!(asked.await.unwrap().starts_with("POST /quitquitquit HTTP/1.1\r\n"));
    }
}
