//! Messages go out.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use mixbed_wire::MailboxSecret;
use mixbed_wire::letter::{
    AnswerBody, Enclosed, LetterId, MAX_OFFERED, MailboxAddress, SealedAnswer, SealedLetter, Sender,
};
use tokio::sync::oneshot;

use super::history::{History, Way};
use super::{
    Chat, ChatError, Delivery, Direction, Live, Message, Peer, SendOptions, UNDER_WAY, lock,
};
use crate::client::deadline_after;
use crate::letters::MailboxError;
use crate::request::RequestError;

/// Conversations in which something may wait to be sent, of those that are remembered.
const LANES: usize = 256;

/// Senders that this client is without a name; of more, the one whose answers end first is
/// forgotten.
const LIVE: usize = 1024;

impl Chat {
    /// Sends a message. Returns as soon as it is on its way and written down;
    /// [`changes`](Self::changes) tell how far it comes, and [`settled`](Self::settled) waits.
    /// Messages to the same receiver go one after the other.
    ///
    /// # Errors
    /// What keeps it from being sealed; [`ChatError::TooManyUnderWay`]. Later failures are in the
    /// message's [`Delivery`].
    pub async fn send(
        &self,
        to: &MailboxAddress,
        text: &[u8],
        options: &SendOptions,
    ) -> Result<Message, ChatError> {
        let began = Instant::now();
        let document =
            self.inner.client.document(options.limit).await.map_err(MailboxError::from)?;
        let mut enclosed =
            Enclosed { receipt_wanted: options.receipt, receipt_for: None, offer: None };
        let secret = if options.named {
            None
        } else {
            let secret = options.thread.clone();
            Some(secret.unwrap_or_else(|| MailboxSecret::generate(&mut rand::rng())))
        };
        let count = options.replies + usize::from(options.receipt);
        if let Some(secret) = secret.filter(|_| count > 0) {
            enclosed.offer = Some(self.offer(secret, to, count, options.limit).await?);
        }
        let from = if options.named {
            let gateway = self.address().await?.gateway;
            Sender::Named { key: &self.inner.options.mailbox.key, gateway }
        } else {
            Sender::Unnamed
        };
        let (network, sent) = (&document.network, SystemTime::now());
        let sealed = SealedLetter::seal_with(
            network,
            &to.key,
            from,
            sent,
            text,
            &enclosed,
            &mut rand::rng(),
        );
        let letter = sealed.map_err(MailboxError::from)?;
        let message = Message {
            no: 0,
            peer: Peer::Address(*to),
            letter: letter.id(),
            answers: None,
            sent,
            text: text.to_vec(),
            direction: Direction::Sent {
                delivery: Delivery::Sending,
                unnamed: !options.named,
                answerable_until: enclosed.offer.map(|offer| offer.good_until),
            },
        };
        let (client, to) = (self.inner.client.clone(), *to);
        let end = deadline_after(began, options.limit);
        let deliver = async move {
            let left = end.saturating_duration_since(Instant::now());
            let posted = client.post(&to, &letter, left).await?;
            Ok(Delivery::Kept { gateway: posted.gateway, lasting: posted.lasting })
        };
        self.begin(message, options.limit, deliver).await
    }

    /// Answers a letter: by a letter of one's own if its sender gave a name, or else by one of its
    /// reply blocks. Then the answer has at most [`MAX_ANSWER_TEXT`](mixbed_wire::letter::MAX_ANSWER_TEXT)
    /// bytes, and reaches only a sender who is there: nothing keeps it. See [`send`](Self::send).
    ///
    /// # Errors
    /// Those of [`send`](Self::send); [`ChatError::NoAnswer`], [`ChatError::NoLetter`] and
    /// [`ChatError::OwnLetter`].
    pub async fn answer(
        &self,
        letter: &LetterId,
        text: &[u8],
        options: &SendOptions,
    ) -> Result<Message, ChatError> {
        let message = self.message(letter).ok_or(ChatError::NoLetter(*letter))?;
        if message.delivery().is_some() {
            return Err(ChatError::OwnLetter(*letter));
        }
        self.send_to(&message.peer, text, options).await
    }

    /// Sends a message to whomever a conversation is with: as [`send`](Self::send) to an address, as
    /// [`answer`](Self::answer) to somebody without a name.
    ///
    /// # Errors
    /// Those of [`answer`](Self::answer).
    pub async fn send_to(
        &self,
        peer: &Peer,
        text: &[u8],
        options: &SendOptions,
    ) -> Result<Message, ChatError> {
        let peer = match peer {
            Peer::Address(address) => return self.send(address, text, options).await,
            peer => *peer,
        };
        let began = Instant::now();
        let document =
            self.inner.client.document(options.limit).await.map_err(MailboxError::from)?;
        let body = AnswerBody::Text(text.to_vec());
        if text.len() > mixbed_wire::letter::MAX_ANSWER_TEXT {
            // Before a block is used up.
            let error = mixbed_wire::letter::LetterError::AnswerTooLong(text.len());
            return Err(MailboxError::from(error).into());
        }
        let Way { letter, key, block } = self.take_way(peer, None).await?;
        let (own, sent) = (&self.inner.options.mailbox.key, SystemTime::now());
        let sealed = SealedAnswer::seal(&document.network, own, &key, letter, sent, &body);
        let sealed = sealed.map_err(MailboxError::from)?;
        let message = Message {
            no: 0,
            peer,
            letter: sealed.id(),
            answers: Some(letter),
            sent,
            text: text.to_vec(),
            direction: Direction::Sent {
                delivery: Delivery::Sending,
                unnamed: false,
                answerable_until: None,
            },
        };
        let client = self.inner.client.clone();
        let end = deadline_after(began, options.limit);
        let deliver = async move {
            let left = end.saturating_duration_since(Instant::now());
            let gateway = client.answer_by_block(&block, &sealed, left).await?;
            Ok(Delivery::SentOn { gateway })
        };
        self.begin(message, options.limit, deliver).await
    }

    pub(super) async fn take_way(
        &self,
        peer: Peer,
        only: Option<LetterId>,
    ) -> Result<Way, ChatError> {
        let now = SystemTime::now();
        let take = move |history: &mut History| match history.take_way(&peer, only.as_ref(), now) {
            Ok((way, changes)) => (Ok(way), changes),
            Err(why) => (Err(why), super::Changes::default()),
        };
        self.change(take).await?.map_err(|why| ChatError::NoAnswer(peer, why))
    }

    /// Makes reply blocks, and remembers what answers to them are read with.
    async fn offer(
        &self,
        secret: MailboxSecret,
        to: &MailboxAddress,
        count: usize,
        limit: Duration,
    ) -> Result<mixbed_wire::letter::ReplyOffer, ChatError> {
        let key = secret.public();
        let count = count.min(MAX_OFFERED);
        let offer = self.inner.client.offer_replies(key, count, &self.inner.arrived, limit).await?;
        let left = offer.good_until.duration_since(SystemTime::now()).unwrap_or_default();
        let now = Instant::now();
        let ends = deadline_after(now, left);
        let mut live = lock(&self.inner.live);
        live.retain(|_, live| live.ends > now);
        if live.len() >= LIVE
            && let Some(first) = live.iter().min_by_key(|(_, live)| live.ends).map(|(key, _)| *key)
        {
            live.remove(&first);
        }
        live.insert(key, Live { secret, to: *to, ends });
        Ok(offer)
    }

    /// Writes a message down as being sent, and sends it, after what is being sent to the same
    /// receiver: in a task of its own, whoever goes away meanwhile.
    async fn begin(
        &self,
        message: Message,
        limit: Duration,
        deliver: impl Future<Output = Result<Delivery, MailboxError>> + Send + 'static,
    ) -> Result<Message, ChatError> {
        let turn = Arc::clone(&self.inner.under_way).acquire_owned();
        let turn = tokio::time::timeout(limit, turn).await;
        let permit = turn.map_err(|_| ChatError::TooManyUnderWay(UNDER_WAY))?;
        let (done, after) = oneshot::channel::<()>();
        let before = {
            let mut lanes = lock(&self.inner.lanes);
            if lanes.len() >= LANES {
                lanes.retain(|_, last| last.try_recv() == Err(oneshot::error::TryRecvError::Empty));
            }
            lanes.insert(message.peer, after)
        };
        let add = move |history: &mut History| {
            let (no, changes) = history.add(message.clone());
            (Message { no, ..message }, changes)
        };
        let (chat, (told, begun)) = (self.clone(), oneshot::channel());
        tokio::spawn(async move {
            let added = chat.change(add).await;
            let no = added.as_ref().ok().map(|message| message.no);
            let _ = told.send(added);
            let Some(no) = no else { return };
            if let Some(before) = before {
                // It ends without a word.
                let _ = before.await;
            }
            let reached = match deliver.await {
                Ok(reached) => reached,
                Err(error) => Delivery::Failed { why: error.to_string() },
            };
            let set = move |history: &mut History| ((), history.set_delivery(no, reached));
            if let Err(error) = chat.change(set).await {
                tracing::warn!(%error, "how far a message came is not written down");
            }
            drop((done, permit));
        });
        begun.await.unwrap_or_else(|_| Err(ChatError::Mailbox(RequestError::Stopped.into())))
    }
}
