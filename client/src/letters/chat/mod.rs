//! Conversations: letters to and from people, with what has become of each, kept on disk.
//!
//! A [`Chat`] is a mailbox with a memory. It writes down what was sent and how far it has come, what
//! was received and whether it was read, sends receipts and takes them in, and answers letters
//! without a name by the reply blocks that they brought.
//!
//! Secrecy over time, honestly: letters are sealed to the mailbox's key, which never changes. Who
//! records packets at the receiver's gateway and steals that key later reads them. Who steals the
//! sender's key reads nothing of what was sent. Answers by reply blocks are sealed to a key that
//! lives in the memory of the letter's sender only, and is gone when it is not needed any more.

mod answers;
mod codec;
mod contacts;
mod error;
mod history;
mod message;
mod options;
mod receipts;
mod receive;
mod send;
mod store;

pub use contacts::{BadName, ContactName};
pub use error::{ChatError, HistoryError, NoAnswer};
pub use message::{Delivery, Direction, Message, Peer};
pub use options::{ChatOptions, HistoryBounds, Receipts, SendOptions};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use mixbed_wire::letter::{LetterId, MailboxAddress};
use mixbed_wire::{MailboxPublic, MailboxSecret};
use tokio::sync::{OnceCell, Semaphore, mpsc, oneshot, watch};

use self::contacts::Contacts;
use self::history::{Changes, History};
use self::receive::Reader;
use self::store::Store;
use super::MailboxOptions;
use super::ways::Arrived;
use crate::client::Client;
use crate::request::RequestError;

/// Messages that are being sent at a time.
const UNDER_WAY: usize = 64;

/// Receipts that wait or are being sent at a time; further ones are not sent. As they wait for some
/// seconds, that is a burst of so many messages.
const RECEIPTS: usize = 128;

/// Answers that wait to be read.
const ARRIVED: usize = 64;

/// How long opening the mailbox may take.
const OPENING: Duration = Duration::from_secs(60);

/// Conversations of one mailbox. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Chat {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    options: ChatOptions,
    address: OnceCell<MailboxAddress>,
    reader: tokio::sync::Mutex<Option<Reader>>,
    /// Locked before the history by whoever changes it, so that the disk has changes in their order.
    store: Mutex<Option<Store>>,
    history: Mutex<History>,
    contacts: Mutex<Contacts>,
    /// The history's version, when it has changed.
    changed: watch::Sender<u64>,
    /// What letters without a name were sent with, by their public keys.
    live: Mutex<HashMap<MailboxPublic, Live>>,
    arrived: mpsc::Sender<Arrived>,
    /// Whom something is being sent to: one after the other.
    lanes: Mutex<HashMap<Peer, oneshot::Receiver<()>>>,
    under_way: Arc<Semaphore>,
    receipts: Arc<Semaphore>,
}

/// The secret of letters without a name.
#[derive(Debug)]
struct Live {
    secret: MailboxSecret,
    to: MailboxAddress,
    ends: Instant,
}

impl Chat {
    /// Opens the conversations, with those on disk. The mailbox is opened when it is first needed.
    ///
    /// # Errors
    /// [`ChatError::History`].
    pub async fn open(client: Client, options: ChatOptions) -> Result<Self, ChatError> {
        let directory = options.mailbox.keep_in.clone();
        let (store, messages, contacts) = blocking(move || match directory {
            Some(directory) => {
                let (store, messages, contacts) = Store::open(&directory)?;
                Ok((Some(store), messages, contacts))
            }
            None => Ok((None, Vec::new(), Contacts::new())),
        })
        .await?;
        // Later than any version that the process before gave out.
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let version = u64::try_from(since.as_millis()).unwrap_or_default() << 16;
        let (history, changes) = History::restore(options.history, version, messages);
        let (arrived, answers) = mpsc::channel(ARRIVED);
        let inner = Arc::new(Inner {
            client,
            options,
            address: OnceCell::new(),
            reader: tokio::sync::Mutex::default(),
            store: Mutex::new(store),
            changed: watch::Sender::new(history.version()),
            history: Mutex::new(history),
            contacts: Mutex::new(contacts),
            live: Mutex::default(),
            arrived,
            lanes: Mutex::default(),
            under_way: Arc::new(Semaphore::new(UNDER_WAY)),
            receipts: Arc::new(Semaphore::new(RECEIPTS)),
        });
        tokio::spawn(answers::take(answers, Arc::downgrade(&inner)));
        let chat = Self { inner };
        chat.change(|_| ((), changes)).await?;
        Ok(chat)
    }

    /// Where letters for this mailbox are sent; opens it, which takes an answer of its gateway.
    ///
    /// # Errors
    /// [`ChatError::Mailbox`].
    pub async fn address(&self) -> Result<MailboxAddress, ChatError> {
        let opening = async {
            let options: MailboxOptions = self.inner.options.mailbox.clone();
            let mailbox = self.inner.client.open_mailbox(options, OPENING).await?;
            let address = mailbox.address();
            *self.inner.reader.lock().await = Some(Reader::new(mailbox));
            Ok::<_, ChatError>(address)
        };
        self.inner.address.get_or_try_init(|| opening).await.copied()
    }

    /// The last messages of a conversation, or of all of them, oldest first.
    #[must_use]
    pub fn last(&self, peer: Option<&Peer>, count: usize) -> Vec<Message> {
        self.history().last(peer, count)
    }

    /// The message that a letter carries.
    #[must_use]
    pub fn message(&self, letter: &LetterId) -> Option<Message> {
        self.history().by_letter(letter).cloned()
    }

    /// The conversations, the one that was spoken in last at the end, and how many messages of
    /// each are unread.
    #[must_use]
    pub fn peers(&self) -> Vec<(Peer, usize)> {
        self.history().peers()
    }

    /// How many answers can still be given to somebody without a name, and until when.
    #[must_use]
    pub fn answers_left(&self, peer: &Peer) -> Option<(usize, SystemTime)> {
        self.history().answers_left(peer, SystemTime::now())
    }

    /// Forgets a conversation, or all of them, here and on the disk; the receiver's messages stay
    /// with the receiver. The file gives their place back to the file system, which may have it
    /// readable on the disk until it is written over.
    ///
    /// # Errors
    /// [`ChatError::History`].
    pub async fn forget(&self, peer: Option<Peer>) -> Result<usize, ChatError> {
        let forget = move |history: &mut History| {
            let changes = history.forget(peer.as_ref());
            (changes.removed.len(), changes)
        };
        let gone = self.change(forget).await?;
        let inner = Arc::clone(&self.inner);
        blocking(move || match lock(&inner.store).as_mut() {
            Some(store) => store.compact(),
            None => Ok(()),
        })
        .await?;
        Ok(gone)
    }

    /// The contacts by name.
    #[must_use]
    pub fn contacts(&self) -> Vec<(ContactName, MailboxAddress)> {
        lock(&self.inner.contacts).iter().map(|(name, address)| (name.clone(), *address)).collect()
    }

    /// Gives an address a name, in place of what had that name before; or, without an address,
    /// takes the name away.
    ///
    /// # Errors
    /// [`ChatError::TooManyContacts`] and [`ChatError::History`].
    pub async fn set_contact(
        &self,
        name: ContactName,
        address: Option<MailboxAddress>,
    ) -> Result<(), ChatError> {
        {
            let mut contacts = lock(&self.inner.contacts);
            match address {
                Some(_) if !contacts.contains_key(&name) && contacts.len() >= contacts::MOST => {
                    return Err(ChatError::TooManyContacts(contacts.len()));
                }
                Some(address) => contacts.insert(name.clone(), address),
                None => contacts.remove(&name),
            };
        }
        let inner = Arc::clone(&self.inner);
        blocking(move || match lock(&inner.store).as_ref() {
            Some(store) => store.set_contact(&name, address.as_ref()),
            None => Ok(()),
        })
        .await
    }

    /// Whom a text means: an address, a contact's name, or what somebody without a name is called
    /// here.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Peer> {
        if let Ok(address) = text.parse() {
            return Some(Peer::Address(address));
        }
        if let Ok(name) = text.parse::<ContactName>() {
            return lock(&self.inner.contacts).get(&name).copied().map(Peer::Address);
        }
        self.peers().into_iter().map(|(peer, _)| peer).find(|peer| peer.to_string() == text)
    }

    fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.inner.history)
    }

    /// Changes the history, writes it down, and tells whoever waits.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut History) -> (T, Changes) + Send + 'static,
    ) -> Result<T, ChatError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let store = lock(&inner.store);
            let (value, changes, version) = {
                let mut history = lock(&inner.history);
                let (value, changes) = work(&mut history);
                (value, changes, history.version())
            };
            if let Some(store) = store.as_ref()
                && changes != Changes::default()
            {
                store.apply(&changes)?;
            }
            // Whoever waits stops what it does to look: only for something new.
            inner.changed.send_if_modified(|told| std::mem::replace(told, version) != version);
            Ok(value)
        })
        .await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in them is whole at every point where something could panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs what waits for the disk where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HistoryError> + Send + 'static,
) -> Result<T, ChatError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        // The runtime is on its way down, and takes the client with it.
        Err(_) => Err(ChatError::Mailbox(RequestError::Stopped.into())),
    }
}
