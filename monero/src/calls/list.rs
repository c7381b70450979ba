//! What a wallet may ask a monerod for, and by which fields. What is not listed is refused.
//!
//! What monero-wallet-rpc 0.18 calls was seen (restore, refresh, transfer; a sweep goes through in the
//! tests), the rest is stock wallets' by their sources (`wallet2.cpp`, `node_rpc_proxy.cpp`). Left out is whatever changes the daemon (mining, peers, bans, logs, limits, the
//! pool, its end), tells of its operator or peers, or makes it work for nothing of a wallet's.
//!
//! Of fields, `client` is left out in each: a public key that is the same for as long as a wallet is open,
//! by which a provider would know its questions from others'. No daemon needs it but one that wants to be paid.

/// Whether a request may be made again when nobody knows what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It only asks.
    Yes,
    /// It hands something in: its maker decides.
    No,
}

/// Something that is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// The path, or the method of `/json_rpc`.
    pub name: &'static str,
    /// An older name of the same; empty if there is none.
    pub also: &'static str,
    /// The fields that it has, beside those that tell of the wallet: nothing else travels.
    pub fields: &'static [&'static str],
    /// What a wallet does with it.
    pub what_for: &'static str,
    /// Whether it may be made again.
    pub again: Again,
}

impl Allowed {
    /// Whether its body is in Monero's binary encoding. All others are JSON, one of them despite its name.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        self.name.strip_suffix(".bin").is_some() && self.name != "/get_transaction_pool_hashes.bin"
    }
}

const fn asks(
    name: &'static str,
    also: &'static str,
    fields: &'static [&'static str],
    what_for: &'static str,
) -> Allowed {
    Allowed { name, also, fields, what_for, again: Again::Yes }
}

const fn hands_in(
    name: &'static str,
    also: &'static str,
    fields: &'static [&'static str],
    what_for: &'static str,
) -> Allowed {
    Allowed { name, also, fields, what_for, again: Again::No }
}

/// Where JSON-RPC goes: its methods are in [`METHODS`].
pub const JSON_RPC: &str = "/json_rpc";

/// Paths beside [`JSON_RPC`].
pub const PATHS: &[Allowed] = &[
    asks(
        "/get_blocks.bin",
        "/getblocks.bin",
        &[
            "block_ids",
            "start_height",
            "prune",
            "no_miner_tx",
            "requested_info",
            "pool_info_since",
            "max_block_count",
        ],
        "refresh: blocks and their transactions",
    ),
    asks(
        "/get_blocks_by_height.bin",
        "/getblocks_by_height.bin",
        &["heights"],
        "restore from a date",
    ),
    asks(
        "/get_hashes.bin",
        "/gethashes.bin",
        &["block_ids", "start_height"],
        "refresh: past what is older than the wallet",
    ),
    asks("/get_o_indexes.bin", "", &["txid"], "the global numbers of a transaction's outputs"),
    asks("/get_outs.bin", "", &["outputs", "get_txid"], "decoys for a transfer"),
    asks("/get_outs", "", &["outputs", "get_txid"], "the same as JSON"),
    asks(
        "/get_output_distribution.bin",
        "",
        &["amounts", "from_height", "to_height", "cumulative", "binary", "compress"],
        "which decoys to draw",
    ),
    asks("/get_transaction_pool_hashes.bin", "", &[], "refresh: what waits in the pool"),
    asks("/get_transaction_pool_hashes", "", &[], "the same as JSON"),
    asks("/get_transaction_pool", "", &[], "what waits in the pool"),
    asks("/get_transaction_pool_stats", "", &[], "how full the pool is"),
    asks(
        "/get_transactions",
        "/gettransactions",
        &["txs_hashes", "decode_as_json", "prune", "split"],
        "transactions by their ids",
    ),
    asks("/is_key_image_spent", "", &["key_images"], "which outputs are spent"),
    asks("/get_info", "/getinfo", &[], "the daemon's state"),
    asks("/get_height", "/getheight", &[], "how long the chain is"),
    asks("/get_limit", "", &[], "monero-wallet-cli, when it connects"),
    hands_in(
        "/send_raw_transaction",
        "/sendrawtransaction",
        &["tx_as_hex", "do_not_relay", "do_sanity_checks"],
        "a finished transaction",
    ),
];

/// The fields of a method that takes a list of numbers instead.
pub const POSITION: &[&str] = &["[height]"];

/// Methods of [`JSON_RPC`].
pub const METHODS: &[Allowed] = &[
    asks("get_version", "", &[], "the first question of each wallet"),
    asks("get_info", "", &[], "height, target, whether it is in step"),
    asks("hard_fork_info", "", &["version"], "which rules hold from when"),
    asks("get_fee_estimate", "", &["grace_blocks"], "the fee of a transfer"),
    asks("get_block_count", "getblockcount", &[], "how long the chain is"),
    asks("get_block_hash", "on_get_block_hash", POSITION, "a block's id by its height"),
    asks("get_block", "getblock", &["hash", "height", "fill_pow_hash"], "a block"),
    asks("get_last_block_header", "getlastblockheader", &["fill_pow_hash"], "the newest block"),
    asks(
        "get_block_header_by_height",
        "getblockheaderbyheight",
        &["height", "fill_pow_hash"],
        "a block's time",
    ),
    asks(
        "get_block_header_by_hash",
        "getblockheaderbyhash",
        &["hash", "hashes", "fill_pow_hash"],
        "the same by its id",
    ),
    asks(
        "get_block_headers_range",
        "getblockheadersrange",
        &["start_height", "end_height", "fill_pow_hash"],
        "many of them",
    ),
    asks(
        "get_output_histogram",
        "",
        &["amounts", "min_count", "max_count", "unlocked", "recent_cutoff"],
        "outputs of a value, of old transactions",
    ),
    asks(
        "get_output_distribution",
        "",
        &["amounts", "from_height", "to_height", "cumulative", "binary", "compress"],
        "which decoys to draw",
    ),
    asks("get_txpool_backlog", "", &[], "how long a transfer may wait"),
    asks("rpc_access_info", "", &[], "whether the daemon wants to be paid"),
];

/// What is said of a path.
#[must_use]
pub fn path(path: &str) -> Option<&'static Allowed> {
    find(PATHS, path)
}

/// What is said of a method.
#[must_use]
pub fn method(method: &str) -> Option<&'static Allowed> {
    find(METHODS, method)
}

fn find(list: &'static [Allowed], name: &str) -> Option<&'static Allowed> {
    list.iter().find(|allowed| !name.is_empty() && (allowed.name == name || allowed.also == name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn each_is_listed_once_and_found_by_both_names() {
        for list in [PATHS, METHODS] {
            let names: Vec<_> = list.iter().flat_map(|a| [a.name, a.also]).collect();
            let names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
            assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
            for name in names {
                let found = find(list, name).expect("listed");
                assert!(found.name == name || found.also == name);
                assert_eq!(name.starts_with('/'), list[0].name.starts_with('/'), "{name}");
            }
        }
        assert!(path("").is_none() && method("").is_none());
    }

    /// What nobody but the daemon's operator may do.
    #[test]
    fn the_operators_calls_are_not_on_it() {
        for name in [
            "/stop_daemon",
            "/start_mining",
            "/stop_mining",
            "/mining_status",
            "/save_bc",
            "/set_log_level",
            "/set_log_categories",
            "/set_log_hash_rate",
            "/set_limit",
            "/set_bootstrap_daemon",
            "/get_peer_list",
            "/get_public_nodes",
            "/get_net_stats",
            "/out_peers",
            "/in_peers",
            "/update",
            "/pop_blocks",
            "/json_rpc",
            "/getblocks.bin/",
        ] {
            assert!(path(name).is_none(), "{name}");
        }
        for name in [
            "generateblocks",
            "submit_block",
            "submitblock",
            "get_block_template",
            "get_miner_data",
            "add_aux_pow",
            "calc_pow",
            "get_connections",
            "get_bans",
            "set_bans",
            "banned",
            "flush_txpool",
            "flush_cache",
            "relay_tx",
            "sync_info",
            "prune_blockchain",
            "get_alternate_chains",
            "get_coinbase_tx_sum",
            "rpc_access_pay",
            "rpc_access_data",
        ] {
            assert!(method(name).is_none(), "{name}");
        }
    }

    /// `UPDATE=1 cargo test -p mixbed-monero calls` writes the tables of docs/services.md anew.
    #[test]
    fn the_docs_have_the_same_list() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/services.md");
        let text = std::fs::read_to_string(file).expect("docs/services.md");
        let mut expected = text.clone();
        for (name, list) in [("paths", PATHS), ("methods", METHODS)] {
            let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
            let from = expected.find(&begin).expect("its beginning") + begin.len();
            let to = expected.find(&end).expect("its end");
            expected.replace_range(from..to, &table(list));
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(file, expected).expect("written");
        } else {
            assert!(text == expected, "it is old: UPDATE=1 cargo test -p mixbed-monero calls");
        }
    }

    fn table(list: &[Allowed]) -> String {
        let mut table = "| name | also | fields | what for |\n|---|---|---|---|\n".to_owned();
        for Allowed { name, also, fields, what_for, .. } in list {
            let also = if also.is_empty() { String::new() } else { format!("`{also}`") };
            let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
            let fields = fields.join(", ");
            writeln!(table, "| `{name}` | {also} | {fields} | {what_for} |")
                .expect("a String takes it");
        }
        table
    }
}
