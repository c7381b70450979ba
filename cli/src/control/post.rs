//! The letters of whoever runs this client.

use std::fmt;
use std::sync::Arc;

use mixbed_client::Client;
use mixbed_client::letters::MailboxOptions;
use mixbed_client::letters::chat::{Chat, ChatError, ChatOptions, Receipts};
use tokio::sync::OnceCell;

/// The conversations, which are opened when they are first asked for.
#[derive(Clone)]
pub(crate) struct Post {
    client: Client,
    options: ChatOptions,
    chat: Arc<OnceCell<Chat>>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("open", &self.chat.initialized()).finish_non_exhaustive()
    }
}

impl Post {
    pub(crate) fn new(client: Client, mailbox: MailboxOptions, receipts: Receipts) -> Self {
        let options = ChatOptions { mailbox, receipts, ..ChatOptions::default() };
        Self { client, options, chat: Arc::default() }
    }

    pub(super) async fn chat(&self) -> Result<Chat, ChatError> {
        let opening = || Chat::open(self.client.clone(), self.options.clone());
        self.chat.get_or_try_init(opening).await.cloned()
    }
}
