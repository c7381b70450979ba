//! What wallets ask of a daemon: JSON, JSON-RPC, and Monero's binary fields.

use mixbed_monero::calls::{judge, list};

use crate::Seed;
use crate::input::Input;

/// Whatever is asked is refused, or written anew as something that is judged to be the same again, and has
/// nothing in it of a wallet's key.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let paths: Vec<&str> = list::PATHS.iter().flat_map(|known| [known.name, known.also]).collect();
    let path = match usize::from(input.byte()) {
        number if number < paths.len() => paths[number],
        _ => list::JSON_RPC,
    };
    let Ok(once) = judge(path, input.rest()) else { return };
    assert!(once.path == list::JSON_RPC || list::path(once.path).is_some());
    let twice = judge(once.path, &once.body).expect("it was judged");
    assert_eq!((twice.path, twice.body), (once.path, once.body));
}

/// One of each encoding.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let number = |name: &str| {
        let names = list::PATHS.iter().flat_map(|known| [known.name, known.also]);
        let at = names.into_iter().position(|known| known == name).expect("it is listed");
        vec![u8::try_from(at).expect("few")]
    };
    let json = br#"{"client":"00","txs_hashes":["11"],"prune":true}"#;
    let call =
        br#"{"jsonrpc":"2.0","id":"7","method":"get_block","params":{"height":3,"client":""}}"#;
    // prune: true, client: "key"
    let fields = b"\x01\x11\x01\x01\x01\x01\x02\x01\x01\x08\x05prune\x0b\x01\x06client\x0a\x0ckey";
    vec![
        ("json", [number("/gettransactions"), json.to_vec()].concat()),
        ("binary", [number("/getblocks.bin"), fields.to_vec()].concat()),
        ("json-rpc", [vec![255], call.to_vec()].concat()),
    ]
}
