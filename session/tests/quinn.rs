//! The comparison in `docs/streams.md`: the same virtual mixnet, with these sessions and with QUIC
//! (`quinn-proto`), tuned to it as well as its settings allow.
//!
//! `cargo test --release -p mixbed-session --test quinn -- --ignored --nocapture`
#![allow(
    clippy::cast_precision_loss,
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "one measurement"
)]

mod mixnet;

use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use mixnet::{HOLDS_BACK, HOLDS_THERE, Net, Pair, Path, ROUND_TRIP};
use quinn_proto::{
    AckFrequencyConfig, ClientConfig, Connection, ConnectionHandle, DatagramEvent, Dir, Endpoint,
    EndpointConfig, Event, ServerConfig, StreamEvent, StreamId, TransportConfig, VarInt,
    congestion::{Controller, ControllerFactory},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A QUIC datagram beside one reply block, less 2 bytes that a shim would take.
const UP: u16 = 2_287;

/// A QUIC datagram in a reply, less 5 bytes for a shim that tells how many blocks are left.
const DOWN: u16 = 2_697;

/// The reply blocks that are kept at the provider while an answer is expected.
const STOCK: usize = 256;

/// What a run took.
#[derive(Debug, Default)]
struct Figures {
    seconds: f64,
    there: u64,
    back: u64,
    spurious: i64,
    first: f64,
}

/// A congestion controller that controls nothing: the rate of the packets is given.
#[derive(Clone)]
struct Fixed;

impl Controller for Fixed {
    fn on_congestion_event(&mut self, _: Instant, _: Instant, _: bool, _: u64) {}
    fn on_mtu_update(&mut self, _: u16) {}
    fn window(&self) -> u64 {
        8 << 20
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
    fn initial_window(&self) -> u64 {
        self.window()
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl ControllerFactory for Fixed {
    fn build(self: Arc<Self>, _: Instant, _: u16) -> Box<dyn Controller> {
        Box::new(Self)
    }
}

fn transport(mtu: u16) -> Arc<TransportConfig> {
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(VarInt::from_u32(8))
        .reordering_threshold(VarInt::from_u32(1_000))
        .max_ack_delay(Some(Duration::from_millis(100)));
    let mut config = TransportConfig::default();
    config
        .initial_mtu(mtu)
        .min_mtu(mtu)
        .mtu_discovery_config(None)
        .initial_rtt(ROUND_TRIP)
        // The best of 1.5, 2.5, 4 and 8.
        .packet_threshold(10_000)
        .time_threshold(4.0)
        .persistent_congestion_threshold(1_000)
        .congestion_controller_factory(Arc::new(Fixed))
        .ack_frequency_config(Some(acks))
        .stream_receive_window(VarInt::from_u32(4 << 20))
        .receive_window(VarInt::from_u32(8 << 20))
        .send_window(4 << 20)
        .enable_segmentation_offload(false);
    Arc::new(config)
}

/// One side.
struct Side {
    endpoint: Endpoint,
    connection: Option<(ConnectionHandle, Connection)>,
    peer: SocketAddr,
    out: VecDeque<Vec<u8>>,
    lost: u64,
}

impl Side {
    fn handle(&mut self, now: Instant, datagram: &[u8]) {
        let mut buffer = Vec::new();
        let event =
            self.endpoint.handle(now, self.peer, None, None, BytesMut::from(datagram), &mut buffer);
        match event {
            Some(DatagramEvent::NewConnection(incoming)) => {
                let accepted = self.endpoint.accept(incoming, now, &mut buffer, None);
                self.connection = accepted.ok();
            }
            Some(DatagramEvent::ConnectionEvent(_, event)) => {
                if let Some((_, connection)) = &mut self.connection {
                    connection.handle_event(event);
                }
            }
            Some(DatagramEvent::Response(transmit)) => {
                self.out.push_back(buffer[..transmit.size].to_vec());
            }
            None => {}
        }
        self.turn(now);
    }

    /// Timers and events between connection and endpoint.
    fn turn(&mut self, now: Instant) {
        let Some((handle, connection)) = &mut self.connection else { return };
        if connection.poll_timeout().is_some_and(|at| at <= now) {
            connection.handle_timeout(now);
        }
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                connection.handle_event(event);
            }
        }
    }

    fn transmit(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.turn(now);
        if let Some(datagram) = self.out.pop_front() {
            return Some(datagram);
        }
        let mut buffer = Vec::new();
        let (_, connection) = self.connection.as_mut()?;
        let transmit = connection.poll_transmit(now, 1, &mut buffer)?;
        buffer.truncate(transmit.size);
        Some(buffer)
    }

    fn read(&mut self, id: StreamId) -> usize {
        let Some((_, connection)) = &mut self.connection else { return 0 };
        let mut stream = connection.recv_stream(id);
        let Ok(mut chunks) = stream.read(true) else { return 0 };
        let mut read = 0;
        while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
            read += chunk.bytes.len();
        }
        let _ = chunks.finalize();
        read
    }

    fn write(&mut self, id: StreamId, left: &mut usize) {
        let Some((_, connection)) = &mut self.connection else { return };
        let mut stream = connection.send_stream(id);
        while *left > 0 {
            match stream.write(&[7; 16_384][..16_384.min(*left)]) {
                Ok(written @ 1..) => *left -= written,
                _ => return,
            }
        }
        let _ = stream.finish();
    }

    fn spurious(&self) -> i64 {
        let stats = self.connection.as_ref().map(|(_, connection)| connection.stats());
        stats.map_or(0, |stats| stats.path.lost_packets.cast_signed() - self.lost.cast_signed())
    }
}

fn sides(now: Instant) -> (Side, Side) {
    let made =
        rcgen::generate_simple_self_signed(vec!["provider".to_owned()]).expect("a certificate");
    let certificate = made.cert.der().clone();
    let key = made.signing_key.serialize_der().try_into().expect("a key");
    let mut server =
        ServerConfig::with_single_cert(vec![certificate.clone()], key).expect("a server");
    server.transport_config(transport(DOWN)).migration(false);
    let mut roots = quinn_roots();
    roots.add(certificate).expect("a root");
    let mut client = ClientConfig::with_root_certificates(Arc::new(roots)).expect("a client");
    client.transport_config(transport(UP));
    let mut config = EndpointConfig::default();
    config.max_udp_payload_size(DOWN).expect("it is enough");
    let config = Arc::new(config);
    let address = |port| SocketAddr::from(([10, 0, 0, 1], port));
    let mut endpoint = Endpoint::new(config.clone(), None, false, Some([1; 32]));
    let connection = endpoint.connect(now, client, address(2), "provider").expect("a connection");
    let side = |endpoint, connection, peer| Side {
        endpoint,
        connection,
        peer,
        out: VecDeque::new(),
        lost: 0,
    };
    let provider = Endpoint::new(config, Some(Arc::new(server)), false, Some([2; 32]));
    (side(endpoint, Some(connection), address(2)), side(provider, None, address(1)))
}

fn quinn_roots() -> rustls::RootCertStore {
    rustls::RootCertStore::empty()
}

/// QUIC: a request of `up` bytes, an answer of `down` bytes.
fn quic(seed: u64, loss: f64, up: usize, down: usize) -> Figures {
    let start = Instant::now();
    let mut now = start;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let path = Path { loss, noise: Duration::from_micros(500), late: Duration::ZERO };
    let (mut client, mut provider) = sides(now);
    let mut figures = Figures::default();
    // Time, serial, whether there or back, datagram, blocks.
    let mut travelling: BTreeMap<(Instant, u64), (bool, Vec<u8>, Vec<Duration>)> = BTreeMap::new();
    let mut serial = 0;
    let mut held: VecDeque<Duration> = VecDeque::new();
    let mut told = 0;
    let mut given: VecDeque<(Instant, usize)> = VecDeque::new();
    let mut slot = now;
    let (mut id, mut asked, mut answering) = (None, up, None);
    let (mut left, mut come_up, mut come_down) = (down, 0, 0);
    while come_down < down || come_up < up {
        assert!(now - start < Duration::from_secs(900), "{seed} {loss}: {come_up} {come_down}");
        // The client's application.
        if let Some((_, connection)) = &mut client.connection {
            while let Some(event) = connection.poll() {
                if matches!(event, Event::Connected) {
                    id = connection.streams().open(Dir::Bi);
                }
            }
        }
        if let Some(id) = id {
            client.write(id, &mut asked);
            let read = client.read(id);
            if read > 0 && come_down == 0 {
                figures.first = (now - start).as_secs_f64();
            }
            come_down += read;
        }
        // The provider's application.
        if let Some((_, connection)) = &mut provider.connection {
            while let Some(event) = connection.poll() {
                if matches!(event, Event::Stream(StreamEvent::Opened { .. })) {
                    answering = connection.streams().accept(Dir::Bi);
                }
            }
        }
        if let Some(id) = answering {
            come_up += provider.read(id);
            if come_up >= up.min(100) {
                provider.write(id, &mut left);
            }
        }
        // The client's packets: a datagram and one block, or six blocks.
        while now >= slot {
            while given.front().is_some_and(|(at, _)| now - *at > ROUND_TRIP) {
                given.pop_front();
            }
            let coming: usize = given.iter().map(|(_, blocks)| blocks).sum();
            let want = if down > 10_000 && come_down < down { STOCK } else { 6 };
            let lacks = want.saturating_sub(told + coming * 3 / 4);
            let datagram = client.transmit(now);
            let blocks = match &datagram {
                // The first ones are small, so that more blocks fit.
                Some(datagram) => ((2_685 - datagram.len()) / 400).clamp(1, 6),
                None if lacks >= 6 && figures.there > 0 => 6,
                None => break,
            };
            figures.there += 1;
            slot = now + Duration::from_millis(5);
            given.push_back((now, blocks));
            let backs = (0..blocks).map(|_| Path::draw(HOLDS_BACK, &mut rng)).collect();
            let there = Path::draw(HOLDS_THERE, &mut rng);
            serial += 1;
            match path.cross(&mut rng) {
                Some(late) => {
                    let datagram = datagram.unwrap_or_default();
                    travelling.insert((now + there + late, serial), (true, datagram, backs));
                }
                None => client.lost += u64::from(datagram.is_some()),
            }
        }
        while !held.is_empty()
            && let Some(datagram) = provider.transmit(now)
        {
            let back = held.pop_front().expect("there is one");
            figures.back += 1;
            serial += 1;
            match path.cross(&mut rng) {
                Some(late) => {
                    let told = vec![Duration::from_secs(held.len() as u64)];
                    travelling.insert((now + back + late, serial), (false, datagram, told));
                }
                None => provider.lost += 1,
            }
        }
        // What happens next.
        let timeout =
            |side: &mut Side| side.connection.as_mut().and_then(|(_, c)| c.poll_timeout());
        let times = [
            (slot > now).then_some(slot),
            timeout(&mut client),
            timeout(&mut provider),
            travelling.first_key_value().map(|((at, _), _)| *at),
        ];
        let next = times.into_iter().flatten().filter(|at| *at > now).min();
        now = next.unwrap_or(now + Duration::from_millis(5));
        while let Some(entry) = travelling.first_entry().filter(|entry| entry.key().0 <= now) {
            let (there, datagram, blocks) = entry.remove();
            if there {
                held.extend(blocks);
                if !datagram.is_empty() {
                    provider.handle(now, &datagram);
                }
            } else {
                told = usize::try_from(blocks[0].as_secs()).expect("a few");
                client.handle(now, &datagram);
            }
        }
        client.turn(now);
        provider.turn(now);
    }
    figures.seconds = (now - start).as_secs_f64();
    figures.spurious = client.spurious() + provider.spurious();
    figures
}

/// The same with a session.
fn session(seed: u64, loss: f64, up: usize, down: usize) -> Figures {
    let mut net = Net::new(seed, loss);
    let mut pair = Pair::open(&mut net, seed, up as u64, down as u64);
    assert!(net.until(Duration::from_secs(900), |net| {
        pair.work(net);
        pair.up.read == up as u64 && pair.down.read == down as u64
    }));
    Figures {
        seconds: net.elapsed().as_secs_f64(),
        there: net.counts.there,
        back: net.counts.back,
        spurious: net.client.spurious().cast_signed(),
        first: pair.down.first.map_or(0.0, |at| (at - net.start).as_secs_f64()),
    }
}

fn row(name: &str, loss: f64, run: impl Fn(u64, f64, usize, usize) -> Figures) {
    const BYTES: usize = 5_000_000;
    let share = |packets: u64| BYTES as f64 / (packets as f64 * 3_072.0);
    let firsts: Vec<_> = (0..40).map(|seed| run(seed, loss, 300, 2_000)).collect();
    let first = firsts.iter().map(|run| run.first).sum::<f64>() / 40.0 / ROUND_TRIP.as_secs_f64();
    let packets = firsts.iter().map(|run| run.there + run.back).sum::<u64>() as f64 / 40.0;
    let up = run(1, loss, BYTES, 1);
    let down = run(1, loss, 300, BYTES);
    println!(
        "| {name} | {:.0} % | {first:.2} | {packets:.1} | {:.3} | {:.3} | {:.3} | {:.3} | {} / {} | {:.0} s / {:.0} s |",
        loss * 100.0,
        share(up.there),
        share(up.there + up.back),
        share(down.back),
        share(down.there + down.back),
        up.spurious,
        down.spurious,
        up.seconds,
        down.seconds,
    );
}

#[test]
#[ignore = "a measurement: the table in docs/streams.md"]
fn compare() {
    println!(
        "| | loss a link | first byte, round trips | packets for it | up | up, all | down | down, all | spurious, up / down | time, up / down |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for loss in [0.0, 0.05] {
        row("session", loss, session);
        row("QUIC", loss, quic);
    }
}
