//! How the port ends.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::*;
use crate::FrontError;

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let again = SocksConfig { listen: front.addr(), ..config() };
    let error = SocksFront::start_with(played, again).await.expect_err("taken");
    let FrontError::Listen { address, source } = &error else { panic!("{error}") };
    assert_eq!((*address, source.kind()), (front.addr(), ErrorKind::AddrInUse));
    assert!(error.to_string().contains(&front.addr().to_string()));
}

#[tokio::test]
async fn a_port_that_stops_lets_its_connections_end() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let addr = front.addr();
    let mut program = connected(&front, "echo").await;
    let stopped = tokio::spawn(front.stop(SOON));
    let refused = async { while TcpStream::connect(addr).await.is_ok() {} };
    soon(refused).await;
    program.write_all(b"to the end").await.unwrap();
    program.shutdown().await.unwrap();
    assert_eq!(hear_all(&mut program).await.unwrap(), b"to the end");
    soon(stopped).await.unwrap();
}

#[tokio::test]
async fn connections_that_outlast_a_stop_are_reset_and_those_of_a_dropped_port_too() {
    let played = Played::new();
    let front = start(&played, config()).await;
    let mut program = connected(&front, "far").await;
    let _far = soon(played.far()).await;
    soon(front.stop(Duration::ZERO)).await;
    let error = hear_all(&mut program).await.expect_err("not an end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let front = start(&played, config()).await;
    let mut program = connected(&front, "far").await;
    let _far = soon(played.far()).await;
    drop(front);
    let error = hear_all(&mut program).await.expect_err("not an end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
