//! A cluster behind a proxy. Its API server and the proxies are played here; its name exists
//! nowhere, so that only a proxy leads to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::support::{mixbed, stderr};

/// The server as the kubeconfig has it.
const SERVER: &str = "http://api.mixbed.invalid:6443";

/// An API server that has no Mixnets.
fn api_server() -> SocketAddr {
    serve(|mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let head = head(&mut reader);
            if head.is_empty() {
                return;
            }
            let body = r#"{"apiVersion":"mixbed.dev/v1alpha1","kind":"MixnetList","metadata":{},"items":[]}"#;
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    })
}

/// An HTTP proxy in front of `server`: where it is, and what it is asked to connect to.
fn http_proxy(server: SocketAddr) -> (SocketAddr, Receiver<String>) {
    let (asked, requests) = channel();
    let proxy = serve(move |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let request = head(&mut reader).lines().next().unwrap_or_default().to_owned();
        asked.send(request).unwrap();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        tunnel(stream, server);
    });
    (proxy, requests)
}

/// A SOCKS 5 proxy, likewise.
fn socks_proxy(server: SocketAddr) -> (SocketAddr, Receiver<String>) {
    let (asked, requests) = channel();
    let proxy = serve(move |mut stream| {
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).unwrap();
        stream.write_all(&[5, 0]).unwrap();
        let mut request = [0; 5];
        stream.read_exact(&mut request).unwrap();
        assert_eq!(request[..4], [5, 1, 0, 3], "a name, and not an address");
        let mut name = vec![0; usize::from(request[4]) + 2];
        stream.read_exact(&mut name).unwrap();
        asked.send(String::from_utf8_lossy(&name[..name.len() - 2]).into_owned()).unwrap();
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        tunnel(stream, server);
    });
    (proxy, requests)
}

fn serve(each: impl Fn(TcpStream) + Send + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, each) = (stream.unwrap(), each.clone());
            thread::spawn(move || each(stream));
        }
    });
    at
}

/// A request without a body, up to its end.
fn head(reader: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match reader.read_line(&mut head) {
            Ok(0) | Err(_) => return String::new(),
            Ok(_) => {}
        }
    }
    head
}

fn tunnel(mut stream: TcpStream, server: SocketAddr) {
    let mut far = TcpStream::connect(server).unwrap();
    let (mut back, mut near) = (far.try_clone().unwrap(), stream.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut back, &mut near));
    let _ = std::io::copy(&mut stream, &mut far);
}

/// What `mixbed status` says of that cluster, where these variables are set.
fn status(server: &str, proxy_url: Option<String>, variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let proxy = proxy_url.map(|url| format!(", proxy-url: '{url}'")).unwrap_or_default();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: c, cluster: {{server: '{server}'{proxy}}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: c}}}}]\n\
         users: [{{name: c, user: {{}}}}]\n"
    );
    std::fs::write(&kubeconfig, text).unwrap();
    let mut command = mixbed(&["status", "--namespace", "mixnets"]);
    command.env("KUBECONFIG", kubeconfig);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    stderr(&command.envs(variables.iter().copied()).output().unwrap())
}

/// What it says where it has reached the API server.
const REACHED: &str = "there is no Mixnet in namespace mixnets";

#[test]
fn the_kubeconfigs_proxy_is_used_whichever_kind_it_is() {
    let server = api_server();
    let (proxy, asked) = http_proxy(server);
    let said = status(SERVER, Some(format!("http://{proxy}")), &[("NO_PROXY", "*")]);
    assert!(said.contains(REACHED), "{said}");
    let request = asked.recv().unwrap();
    assert!(request.starts_with("CONNECT api.mixbed.invalid:6443 "), "{request}");

    let (proxy, asked) = socks_proxy(server);
    let said = status(SERVER, Some(format!("socks5://{proxy}")), &[]);
    assert!(said.contains(REACHED), "{said}");
    assert_eq!(asked.recv().unwrap(), "api.mixbed.invalid");
}

#[test]
fn the_environments_proxy_is_used_unless_no_proxy_names_the_server() {
    let server = api_server();
    let (proxy, asked) = http_proxy(server);
    let proxy = format!("http://{proxy}");
    let said = status(SERVER, None, &[("HTTP_PROXY", &proxy)]);
    assert!(said.contains(REACHED), "{said}");
    assert!(asked.recv().unwrap().starts_with("CONNECT api.mixbed.invalid:6443 "));

    let variables = [("HTTP_PROXY", proxy.as_str()), ("NO_PROXY", "mixbed.invalid")];
    let said = status(SERVER, None, &variables);
    assert!(said.contains("cannot be reached"), "{said}");
    // A proxy that leads nowhere is in nobody's way to this machine.
    let nowhere = [("HTTP_PROXY", "http://127.0.0.1:9"), ("HTTPS_PROXY", "http://127.0.0.1:9")];
    let said = status(&format!("http://{server}"), None, &nowhere);
    assert!(said.contains(REACHED), "{said}");
    assert!(asked.try_recv().is_err(), "nobody else came by the proxy");
}

#[test]
fn what_is_no_proxy_is_told() {
    let said = status(SERVER, Some("ftp://127.0.0.1:1".to_owned()), &[]);
    assert!(said.contains("the kubeconfig's proxy-url is a proxy of the kind ftp"), "{said}");
}
