//! Every metric that mixbed has. `docs/metrics.md` is generated from this list.

/// What a metric is, and how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    /// A gauge of seconds, which may be negative.
    Seconds,
    /// A gauge of seconds since something happened.
    Age,
    /// Of durations.
    Histogram,
}

/// One metric.
#[derive(Debug)]
pub(crate) struct Declaration {
    /// Without the prefix `mixbed_`, and without a counter's suffix `_total`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
    /// Which roles have it.
    pub(crate) roles: &'static str,
    /// A sentence without its full stop.
    pub(crate) help: &'static str,
}

macro_rules! catalogue {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $roles:literal, $help:literal;)*) => {
        $(pub(crate) const $constant: Declaration = Declaration {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            roles: $roles,
            help: $help,
        };)*

        /// All of them, in the order of the reference.
        pub(crate) const ALL: &[Declaration] = &[$($constant),*];
    };
}

catalogue! {
    PACKETS_RECEIVED: Counter "packets_received" ["node", "role"] "gateway, mix, provider, client",
        "Packets that arrived on links";
    PACKETS_MADE: Counter "packets_made" ["node", "role"] "gateway, mix, provider",
        "Packets that this node made itself: loops, and replies from reply blocks";
    PACKETS_SENT: Counter "packets_sent" ["node", "role"] "gateway, mix, provider, client",
        "Packets written to links";
    PACKETS_DELIVERED: Counter "packets_delivered" ["node", "role"] "gateway, mix, provider",
        "Packets whose last hop this was";
    PACKETS_DROPPED: Counter "packets_dropped" ["node", "role", "reason"] "gateway, mix, provider, client",
        "Packets not passed on, by reason; received + made = sent + delivered + dropped + held";
    PACKETS_HELD: Gauge "packets_held" ["node", "role"] "gateway, mix, provider",
        "Packets inside the node now: waiting for a worker, in the mixing pool, or in a link's queue";
    QUEUE_WAIT: Histogram "queue_wait_seconds" ["node", "role"] "gateway, mix, provider",
        "Wait of a packet for a worker";
    UNWRAP: Histogram "unwrap_seconds" ["node", "role"] "gateway, mix, provider",
        "Taking off one layer of a packet's encryption, replay check included";
    LINK: Histogram "link_seconds" ["node", "role"] "gateway, mix, provider",
        "A packet's wait in a link's queue, and the write";
    LINKS: Gauge "links" ["node", "role", "direction"] "gateway, mix, provider",
        "Links that are up now; direction is who dialled: `in` or `out`";
    LINK_HANDSHAKES_FAILED: Counter "link_handshakes_failed" ["node", "role", "reason"] "gateway, mix, provider",
        "Links that did not come up, by reason";
    REPLAY_TAGS: Gauge "replay_tags" ["node", "role"] "gateway, mix, provider",
        "Packets that the node remembers, to drop copies of them";
    REPLAY_TAGS_BOUND: Gauge "replay_tags_bound" ["node", "role"] "gateway, mix, provider",
        "Packets that it may remember (`replay_tags` of its configuration); when they are as many, new ones are dropped as `replay_filter_full`";
    REGISTRATION_TRIES: Counter "registrations" ["node", "role", "outcome"] "gateway, mix, provider",
        "Registrations that the node sent, by outcome: `registered`, `rejected` by the directory, or `unreachable`";

    DUMMIES_SENT: Counter "dummies_sent" ["node", "role"] "gateway",
        "Frames without a packet that were written to links with clients; in no other account";
    FRAMES_SLOWED: Counter "frames_slowed" ["node", "role"] "gateway",
        "Frames of clients that had to wait in their connections, since they came faster than the document's rates";
    LOOPS_SENT: Counter "loops_sent" ["node", "role", "next"] "gateway, mix",
        "Loops that this node sent to itself, by the first other node that they pass";
    LOOPS_RETURNED: Counter "loops_returned" ["node", "role", "next"] "gateway, mix",
        "Loops that came back in time and whole; sent = returned + lost + still under way";
    LOOPS_LOST: Counter "loops_lost" ["node", "role", "next"] "gateway, mix",
        "Loops that are overdue, or came back garbled";
    LOOP_SUSPECT: Gauge "loop_suspect" ["node", "role", "suspect"] "gateway, mix, client",
        "1 while the sender's loops name this node, or link `one -> other`, as what takes packets";
    LOOP_SECONDS: Histogram "loop_seconds" ["node", "role"] "gateway, mix",
        "From a loop's sending until it was back";

    REQUESTS: Counter "provider_requests" ["node", "service", "outcome"] "provider, gateway",
        "Requests answered, by service and outcome";
    REQUEST_SECONDS: Histogram "provider_request_seconds" ["node", "service"] "provider, gateway",
        "From a request's last fragment to its answer";
    MONEROD_SECONDS: Histogram "monerod_seconds" ["node"] "provider",
        "One call to monerod";
    MONEROD_RETRIES: Counter "monerod_retries" ["node"] "provider",
        "Calls to monerod that were tried again";
    MONEROD_READY: Gauge "monerod_ready" ["node"] "provider",
        "1 while the provider's monerod answers and is in step with its network; 0 before its first answer, too";
    SESSIONS: Gauge "sessions" ["node"] "provider",
        "Sessions that clients have with it";
    STREAMS: Gauge "streams" ["node", "service"] "provider",
        "Streams that are open, by service";
    STREAMS_ASKED: Counter "streams_asked" ["node", "service", "outcome"] "provider",
        "Streams that were asked for, by outcome: `granted`, or why not (`forbidden`, `name_not_found`, `refused`, `unreachable`, `timed_out`, `busy`, `unknown_service`, `stopped`, `failed`)";
    STREAM_BYTES: Counter "stream_bytes" ["node", "service", "direction"] "provider",
        "Bytes of streams, by direction: `from_clients` or `to_clients`";

    MAILBOXES: Gauge "mailboxes" ["node"] "gateway",
        "Mailboxes that are open here";
    MAILBOX_LETTERS: Gauge "mailbox_letters" ["node"] "gateway",
        "Letters kept for their receivers";
    MAILBOX_BYTES: Gauge "mailbox_bytes" ["node"] "gateway",
        "Bytes of the letters kept";
    MAILBOX_EXPIRED: Counter "mailbox_letters_expired" ["node"] "gateway",
        "Letters that nobody came for in time";

    MESSAGES: Counter "messages" ["node", "outcome"] "client",
        "Messages that came to an end, by outcome";
    MESSAGE_SECONDS: Histogram "message_seconds" ["node"] "client",
        "From a message's sending until all of it was answered for";
    RETRANSMISSIONS: Counter "retransmissions" ["node"] "client",
        "Fragments sent again on a new route";
    REPLY_BLOCKS_MADE: Counter "reply_blocks_made" ["node"] "client",
        "Reply blocks sent along";
    REPLY_BLOCKS_USED: Counter "reply_blocks_used" ["node"] "client",
        "Reply blocks that came back with a reply";
    CLIENT_SESSIONS: Gauge "client_sessions" ["node"] "client",
        "Sessions that the client has with providers";
    CLIENT_STREAMS: Counter "client_streams" ["node", "outcome"] "client",
        "Streams that somebody wanted opened, by outcome: `opened`, or why not";
    COVER_SENT: Counter "cover_sent" ["node", "kind"] "client",
        "Cover packets handed to the link, by kind: `drop` or `loop`";
    CLIENT_LOOPS: Counter "client_loops" ["node", "outcome"] "client",
        "Loops of the client that ended, by outcome: `returned` or `lost`";
    CLIENT_LOOPS_RECENT: Gauge "client_loops_recent" ["node", "outcome"] "client",
        "Of the client's last loops, up to 64, how many ended so: `returned` or `lost`";
    CONFIRMATIONS: Counter "client_confirmations" ["node", "outcome"] "client",
        "Accepted transactions that another provider was asked about, by its word: `confirmed`, `denied`, or `unanswered`";
    BROKEN_WORDS: Counter "client_broken_words" ["node", "provider"] "client",
        "Transactions that this provider said it had, or would hand in, and that another one did not know of in time";

    REGISTRATIONS: Counter "directory_registrations" ["node", "outcome"] "directory",
        "Registrations that nodes asked for, by outcome";
    EPOCH: Gauge "directory_epoch" ["node"] "directory",
        "Number of the current epoch";
    REVISION: Gauge "directory_revision" ["node"] "directory",
        "Revision of the current document, counted up over all epochs";
    NODES: Gauge "directory_nodes" ["node", "role"] "directory",
        "Nodes in the current document, by their role";
    WATCHERS: Gauge "directory_watchers" ["node"] "directory",
        "Followers that watch for documents now";
    DOCUMENTS_PUBLISHED: Counter "directory_documents_published" ["node"] "directory",
        "Documents signed and published";
    NODES_GONE: Counter "directory_nodes_gone" ["node", "outcome"] "directory",
        "Nodes that went off the list: `departed` by themselves, or `expired` as their leases ended";
    WATCHERS_REFUSED: Counter "directory_watchers_refused" ["node"] "directory",
        "Followers turned away, as there were too many";
    SAVE_FAILURES: Counter "directory_save_failures" ["node"] "directory",
        "Times that the directory's state could not be written, and nothing new was told";
    CLOCK_JUMPS: Counter "directory_clock_jumps" ["node"] "directory",
        "Times that the directory's clock jumped by more than 10 s, ahead or back";
    VOTING: Counter "directory_voting" ["node", "outcome"] "directory",
        "What one of several directories noticed of the others, by kind: see docs/directories.md";

    DOCUMENT_EPOCH: Gauge "document_epoch" ["node", "role"] "gateway, mix, provider, client",
        "Epoch of the document that this node follows";
    DOCUMENT_AGE: Age "document_age_seconds" ["node", "role"] "gateway, mix, provider, client",
        "Time since the directory last confirmed or replaced the document that this node follows; NaN before the first";
    DOCUMENT_UPDATES: Counter "document_updates" ["node", "role", "outcome"] "gateway, mix, provider, client",
        "Documents received from the directory, by outcome";
    DIRECTORY_LOST: Counter "directory_lost" ["node", "role"] "gateway, mix, provider, client",
        "Times that the directory could not be reached, was refused or had nothing new for a new epoch";
    CLOCK_OFFSET: Seconds "clock_offset_seconds" ["node", "role"] "gateway, mix, provider, client",
        "How far this machine's clock is ahead of the directory's, or behind if negative; 0 until that told the time";

    MINER_BLOCKS: Counter "miner_blocks" ["node", "purpose"] "miner",
        "Blocks mined, by why: `start` of a chain, `transactions` that waited, `confirmations` of those, or `fund`, as somebody asked for money";
    MINER_TRANSACTIONS: Counter "miner_transactions" ["node"] "miner",
        "Transactions that these blocks held";
    MINER_OUTPUTS: Counter "miner_outputs" ["node"] "miner",
        "Outputs paid to those who asked for money";
    MINER_HEIGHT: Gauge "miner_height" ["node"] "miner",
        "Blocks of the longest chain that the miner has seen";
    MINER_POOL: Gauge "miner_pool" ["node"] "miner",
        "Transactions that wait for a block, in the fullest pool";
    MINER_MONERODS: Gauge "miner_monerods" ["node"] "miner",
        "Monerods that can be mined at: that answer and are synchronized";

    OPERATOR_LEADER: Gauge "operator_leader" [] "operator",
        "1 while this replica is the one that works, 0 while it stands by";
    OPERATOR_RECONCILES: Counter "operator_reconciles" ["kind", "outcome"] "operator",
        "Reconciles, by kind of resource and outcome: `unchanged`, `changed`, `refused` (something could not be applied), `invalid` (the spec is wrong) or `failed` (the API server did not answer)";
    OPERATOR_RECONCILE_SECONDS: Histogram "operator_reconcile_seconds" ["kind"] "operator",
        "One reconcile, from what was observed until the status is written";
    OPERATOR_WAITING: Gauge "operator_waiting" ["kind"] "operator",
        "Resources that wait to be reconciled";
    OPERATOR_API_CALLS: Counter "operator_api_calls" ["verb", "resource"] "operator",
        "Calls to the API server, watches included, by verb and plural of the resource";

    SPANS_EXPORTED: Counter "spans_exported" [] "every process",
        "Spans that the trace collector took";
    SPANS_LOST: Counter "spans_lost" ["reason"] "every process",
        "Spans that the trace collector never got: `queue_full`, `collector` (away, or refused them) or `shut_down`";
}
