//! Streams over tokio, through a wire that loses nothing and takes no time.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use mixbed_session::{
    BlockNo, ClientEnd, Code, End, Event, Limits, ProviderEnd, Reason, Shared, Stream,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, split},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

type Provider = Shared<ProviderEnd<BlockNo>>;

/// A packet: number, frames, blocks.
type Packet = (u32, Vec<u8>, Vec<BlockNo>);

/// The owner's loop of the client's end, as short as it can be.
async fn run_client(
    client: Arc<Shared<ClientEnd>>,
    out: UnboundedSender<Packet>,
    mut replies: UnboundedReceiver<(BlockNo, Vec<u8>)>,
) {
    let mut next_block = 0;
    loop {
        let timeout = client.lock().poll_timeout();
        tokio::select! {
            () = client.changed() => {}
            Some((block, plaintext)) = replies.recv() => {
                let _ = client.lock().handle_reply(block, &plaintext, Instant::now());
            }
            () = until(timeout) => client.lock().handle_timeout(Instant::now()),
        }
        client.wake();
        let mut end = client.lock();
        while let Some(draft) = end.poll_transmit(Instant::now()) {
            let blocks: Vec<_> =
                (0..draft.blocks as u64).map(|at| BlockNo(next_block + at)).collect();
            next_block += draft.blocks as u64;
            let backs: Vec<_> = blocks.iter().map(|block| (*block, Duration::ZERO)).collect();
            end.handle_sent(draft.number, Duration::ZERO, &backs, Instant::now());
            let _ = out.send((draft.number, draft.frames, blocks));
        }
    }
}

async fn run_provider(
    provider: Arc<Provider>,
    mut packets: UnboundedReceiver<Packet>,
    out: UnboundedSender<(BlockNo, Vec<u8>)>,
    asked: UnboundedSender<(Stream, String)>,
) {
    loop {
        let timeout = provider.lock().poll_timeout();
        tokio::select! {
            () = provider.changed() => {}
            Some((number, frames, blocks)) = packets.recv() => {
                let _ = provider.lock().handle_packet(number, &frames, blocks, Instant::now());
            }
            () = until(timeout) => provider.lock().handle_timeout(Instant::now()),
        }
        for event in provider.wake() {
            if let Event::Asked { stream, target, .. } = event {
                if target == "refused" {
                    provider.refuse(stream, Reason::new(Code::Refused, "not here"));
                } else {
                    let _ = asked.send((provider.grant(stream), target));
                }
            }
        }
        let mut end = provider.lock();
        while let Some(reply) = end.poll_transmit(Instant::now()) {
            let _ = out.send(reply);
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

/// Both ends in a session, and the streams that the provider granted.
struct Session {
    client: Arc<Shared<ClientEnd>>,
    provider: Arc<Provider>,
    granted: UnboundedReceiver<(Stream, String)>,
    tasks: JoinSet<()>,
}

impl Session {
    fn start() -> Self {
        let now = Instant::now();
        let client = Shared::new(ClientEnd::new(Limits::default(), now));
        let provider = Shared::new(ProviderEnd::new(Limits::default(), now));
        let (packets, packets_in) = unbounded_channel();
        let (replies, replies_in) = unbounded_channel();
        let (asked, granted) = unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(run_client(client.clone(), packets, replies_in));
        tasks.spawn(run_provider(provider.clone(), packets_in, replies, asked));
        Self { client, provider, granted, tasks }
    }

    async fn pair(&mut self) -> (Stream, Stream) {
        let mut stream = self.client.open("echo", "there", Instant::now()).expect("a stream");
        stream.granted().await.expect("granted");
        let (other, target) = self.granted.recv().await.expect("granted");
        assert_eq!((other.id(), target.as_str()), (stream.id(), "there"));
        (stream, other)
    }
}

fn reason(error: &io::Error) -> Option<Code> {
    error.get_ref()?.downcast_ref::<Reason>().map(Reason::code)
}

/// Nothing in these tests takes long; what hangs is an error.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("no hang")
}

#[tokio::test]
async fn bytes_go_both_ways_and_streams_end() {
    soon(async {
        let mut session = Session::start();
        let (mut stream, other) = session.pair().await;
        let echo = tokio::spawn(async move {
            let (mut read, mut write) = split(other);
            copy(&mut read, &mut write).await.expect("an echo");
            write.shutdown().await.expect("an end");
        });
        let data: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
        let mut back = Vec::new();
        {
            let (mut read, mut write) = split(&mut stream);
            let send = async {
                write.write_all(&data).await.expect("it is taken");
                write.shutdown().await.expect("an end");
            };
            let ((), length) = tokio::join!(send, read.read_to_end(&mut back));
            assert_eq!(length.expect("all of it"), data.len());
        }
        assert!(back == data);
        let error = stream.write_all(b"more").await.expect_err("it was shut down");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        echo.await.expect("the echo ends");
        drop(stream);
        while session.client.lock().streams() + session.provider.lock().streams() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn early_data_and_refusals() {
    soon(async {
        let session = Session::start();
        let mut stream = session.client.open("echo", "refused", Instant::now()).expect("a stream");
        stream.write_all(b"early").await.expect("it is taken");
        let refused = stream.granted().await.expect_err("refused");
        assert_eq!((refused.code(), refused.words()), (Code::Refused, "not here"));
        let error = stream.read_u8().await.expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(reason(&error), Some(Code::Refused));
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_reset() {
    soon(async {
        let mut session = Session::start();
        let (stream, mut other) = session.pair().await;
        drop(stream);
        let error = other.read_u8().await.expect_err("reset");
        assert_eq!(reason(&error), Some(Code::Closed));

        // What was shut down before arrives.
        let (mut stream, mut other) = session.pair().await;
        stream.write_all(&vec![5; 100_000]).await.expect("it is taken");
        stream.shutdown().await.expect("an end");
        drop(stream);
        let mut all = Vec::new();
        assert_eq!(other.read_to_end(&mut all).await.expect("all of it"), 100_000);

        let (stream, mut other) = session.pair().await;
        stream.reset(Reason::new(Code::TimedOut, "too slow"));
        let error = other.read_u8().await.expect_err("reset");
        assert_eq!(reason(&error), Some(Code::TimedOut));
        let error = other.write_all(b"x").await.expect_err("reset");
        assert_eq!(reason(&error), Some(Code::TimedOut));
    })
    .await;
}

#[tokio::test]
async fn a_session_that_ends_wakes_everybody() {
    soon(async {
        let mut session = Session::start();
        let (mut reader, _other) = session.pair().await;
        let (mut writer, _another) = session.pair().await;
        let reads = tokio::spawn(async move { reader.read_u8().await });
        let writer = tokio::spawn(async move {
            loop {
                writer.write_all(&[0; 10_000]).await?;
            }
            #[expect(unreachable_code, reason = "the type of the error")]
            Ok::<(), io::Error>(())
        });
        tokio::task::yield_now().await;
        session.provider.lock().close(Code::Stopped.into(), Instant::now());
        session.provider.touch();
        let error = reads.await.expect("no panic").expect_err("the end");
        assert_eq!(reason(&error), Some(Code::Stopped));
        let error = writer.await.expect("no panic").expect_err("the end");
        assert_eq!(reason(&error), Some(Code::Stopped));
        assert!(session.client.open("echo", "there", Instant::now()).is_err());
        session.tasks.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn many_streams_at_once() {
    soon(async {
        let mut session = Session::start();
        let mut tasks = JoinSet::new();
        for at in 0..100_u8 {
            let (mut stream, mut other) = session.pair().await;
            tasks.spawn(async move {
                stream.write_all(&vec![at; 20_000]).await.expect("it is taken");
                stream.shutdown().await.expect("an end");
                let mut all = Vec::new();
                stream.read_to_end(&mut all).await.expect("an end");
                assert_eq!(all, b"done");
            });
            tasks.spawn(async move {
                let mut all = Vec::new();
                other.read_to_end(&mut all).await.expect("all of it");
                assert_eq!(all, vec![at; 20_000]);
                other.write_all(b"done").await.expect("it is taken");
                other.shutdown().await.expect("an end");
            });
        }
        tasks.join_all().await;
    })
    .await;
}
