//! The service that says what it hears, as it hears it.

use mixbed_session::{Code, Reason};
use tokio::io::AsyncWriteExt;

use super::{Asked, Served, Serving, StreamService};

/// Writes to each stream what it reads from it. The target means nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct EchoStream;

impl StreamService for EchoStream {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn serve(&self, _target: String, asked: Asked) -> Serving {
        Box::pin(async {
            let mut stream = asked.grant();
            let idle = stream.idle();
            let rests = tokio::select! {
                () = echo(&mut stream) => false,
                () = idle => true,
            };
            if rests {
                stream.reset(Reason::from(Code::IdleTooLong));
            }
        })
    }
}

/// Until the end, or until the client gives up: then there is nobody to tell.
async fn echo(stream: &mut Served) {
    let (mut from, mut to) = tokio::io::split(stream);
    if tokio::io::copy(&mut from, &mut to).await.is_ok() {
        let _ = to.shutdown().await;
    }
}
