//! A message between two processes, cut into parts that a broker takes.
//!
//! What stands in the header of each part is [`PartHead`]; the first part's body is the encoded
//! message, without its bulk data, and what is small of that; the rest of the bulk data follows in
//! parts of at most [`PART_BYTES`], short pieces together. All are slices of what is sent: nothing is
//! copied before it is handed to the broker. Parts that
//! wait for the broker go together, in [bundles](crate::wire::bundle).

use bytes::{Buf, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{Incarnation, JobId, Origin, Rank, TeamId};
use crate::message::{Address, Envelope, Message, SupervisorMessage};
use crate::wire::body::Body;
use crate::wire::bundle::{MAX_BYTES, MAX_PARTS};
use crate::wire::queues::Queue;

/// Processes of different versions do not understand each other.
pub(crate) const VERSION: u8 = 3;

/// The most bytes of a part's body: RabbitMQ 4 takes 16 MiB, and small ones flow better.
pub(crate) const PART_BYTES: usize = 1 << 20;

/// Bulk data up to this size travels within the first part: to write it in one go with that is
/// cheaper than another part.
const INLINE_BYTES: usize = 64 << 10;

/// Bulk data up to this size is encoded with the message.
const DETACHED_BYTES: usize = 1 << 10;

/// Which part of which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartHead {
    pub(crate) from: Origin,
    pub(crate) sequence: u64,
    pub(crate) part: u32,
    pub(crate) parts: u32,
}

/// A message as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) queue: Queue,
    pub(crate) kind: &'static str,
    pub(crate) from: Origin,
    pub(crate) sequence: u64,
    /// Which tile it is, if it is one: two of the same for the same incarnation need not
    /// wait side by side.
    pub(crate) tile: Option<(Option<Incarnation>, TeamId, Rank)>,
    /// The job with which it takes turns, if it does.
    pub(crate) job: Option<JobId>,
    pub(crate) parts: Vec<Body>,
}

/// Why a message cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum WireError {
    #[error("it has no header of ours")]
    NoHead,
    #[error("it is of version {0}; this process speaks version {VERSION}")]
    Version(u8),
    #[error("its header cannot be read")]
    Head,
    #[error("part {part} of {parts}: parts count from 0")]
    Part { part: u32, parts: u32 },
    #[error("a part of {bytes} bytes; {PART_BYTES} are the most")]
    Long { bytes: usize },
    #[error("it is of kind `{0}`, which nobody here knows")]
    Kind(String),
    #[error("it says it is of kind `{said}`, and is of kind `{is}`")]
    OtherKind { said: String, is: &'static str },
    #[error("its body is no such message: {0}")]
    Body(String),
    #[error("a bundle of {parts} parts; {MAX_PARTS} are the most")]
    Bundle { parts: usize },
    #[error("a bundle of parts of {bytes} bytes; {MAX_BYTES} are the most")]
    LongBundle { bytes: usize },
    #[error("its bulk data has {got} bytes, and should have {expected}")]
    Bulk { got: u64, expected: u64 },
}

/// The first part's body, before the bulk data that is small.
#[derive(Serialize, Deserialize)]
struct Sealed {
    to: Address,
    incarnation: Option<Incarnation>,
    message: Message,
    /// Which of the message's bulk data follows, and how many bytes of it.
    detached: Vec<(u32, u64)>,
}

impl PartHead {
    /// As it stands in the AMQP header.
    ///
    /// # Errors
    /// None that can occur: numbers can be encoded.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_extend(self, vec![VERSION])
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (version, rest) = bytes.split_first().ok_or(WireError::NoHead)?;
        if *version != VERSION {
            return Err(WireError::Version(*version));
        }
        let (head, rest) = postcard::take_from_bytes::<Self>(rest).map_err(|_| WireError::Head)?;
        if !rest.is_empty() {
            return Err(WireError::Head);
        }
        head.checked()
    }

    /// # Errors
    /// When there is no such part.
    pub(crate) const fn checked(self) -> Result<Self, WireError> {
        let Self { part, parts, .. } = self;
        if part >= parts {
            return Err(WireError::Part { part, parts });
        }
        Ok(self)
    }
}

impl Parcel {
    /// Cuts a message into parts.
    ///
    /// # Errors
    /// None that can occur: every message can be encoded.
    pub(crate) fn seal(envelope: Envelope) -> Result<Self, postcard::Error> {
        let job = envelope.job();
        let Envelope {
            from,
            sequence,
            to,
            incarnation,
            mut message,
        } = envelope;
        let (queue, kind) = (Queue::of(&message), message.kind());
        let tile = match &message {
            Message::Supervisor(SupervisorMessage::Tile { team, rank, .. }) => {
                Some((incarnation, *team, *rank))
            }
            _ => None,
        };
        let mut detached = Vec::new();
        let mut bodies = Vec::new();
        for (index, body) in message.bulk().into_iter().enumerate() {
            if body.len() > DETACHED_BYTES {
                detached.push((index as u32, body.len() as u64));
                bodies.push(std::mem::take(body));
            }
        }
        let sealed = Sealed {
            to,
            incarnation,
            message,
            detached,
        };
        let first = Bytes::from(postcard::to_extend(&sealed, Vec::new())?);
        let bulk: usize = bodies.iter().map(Bytes::len).sum();
        let mut parts = Vec::new();
        if bulk <= INLINE_BYTES && first.len() + bulk <= PART_BYTES {
            let mut whole = Body::from(first);
            bodies.into_iter().for_each(|body| whole.push(body));
            parts.push(whole);
        } else {
            // What is encoded with the message, such as a task of many centers, may itself be long.
            cut([first], &mut parts);
            cut(bodies, &mut parts);
        }
        Ok(Self {
            queue,
            kind,
            from,
            sequence,
            tile,
            job,
            parts,
        })
    }
}

/// Makes parts of what follows each other, none longer than may be. Pieces that fit into one go together:
/// a message of very many parts is taken by nobody.
fn cut(pieces: impl IntoIterator<Item = Bytes>, parts: &mut Vec<Body>) {
    let mut open = Body::default();
    for mut piece in pieces {
        if open.len() + piece.len() > PART_BYTES && open.len() > 0 {
            parts.push(std::mem::take(&mut open));
        }
        while piece.len() > PART_BYTES {
            parts.push(piece.split_to(PART_BYTES).into());
        }
        open.push(piece);
    }
    if open.len() > 0 {
        parts.push(open);
    }
}

/// Puts a message together from all its parts, in order.
///
/// # Errors
/// When they are not the parts of a message of that kind.
pub(crate) fn open(
    kind: &str,
    from: Origin,
    sequence: u64,
    parts: Vec<Bytes>,
) -> Result<Envelope, WireError> {
    if !Message::KINDS.contains(&kind) {
        return Err(WireError::Kind(kind.to_owned()));
    }
    let mut stream = Stream { parts, at: 0 };
    let sealed = stream.sealed()?;
    let Sealed {
        to,
        incarnation,
        mut message,
        detached,
    } = sealed;
    if message.kind() != kind {
        let (said, is) = (kind.to_owned(), message.kind());
        return Err(WireError::OtherKind { said, is });
    }
    let (got, expected) = (
        stream.len_bytes(),
        detached
            .iter()
            .fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes)),
    );
    if got != expected {
        return Err(WireError::Bulk { got, expected });
    }
    if !detached.is_empty() {
        let mut bulk = message.bulk();
        for (index, bytes) in detached {
            let slot = bulk.get_mut(index as usize);
            let slot = slot.ok_or_else(|| WireError::Body(format!("no bulk data {index}")))?;
            **slot = stream.take(bytes as usize);
        }
    }
    Ok(Envelope {
        from,
        sequence,
        to,
        incarnation,
        message,
    })
}

/// The bodies of the parts, one after the other.
struct Stream {
    parts: Vec<Bytes>,
    at: usize,
}

impl Stream {
    fn sealed(&mut self) -> Result<Sealed, WireError> {
        let body = |error: postcard::Error| WireError::Body(error.to_string());
        let first = self.parts.first().cloned().unwrap_or_default();
        // A message longer than a part is put together; others are read where they lie.
        let whole = match postcard::take_from_bytes::<Sealed>(&first) {
            Err(postcard::Error::DeserializeUnexpectedEnd) if first.len() == PART_BYTES => {
                let mut whole = BytesMut::new();
                self.parts.drain(..).for_each(|part| whole.extend(part));
                let whole = whole.freeze();
                self.parts.push(whole.clone());
                whole
            }
            _ => first,
        };
        let (sealed, rest) = postcard::take_from_bytes::<Sealed>(&whole).map_err(body)?;
        let used = whole.len() - rest.len();
        if let Some(first) = self.parts.first_mut() {
            first.advance(used);
        }
        Ok(sealed)
    }

    fn len_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    /// The next so many bytes, of which there are so many at least.
    fn take(&mut self, bytes: usize) -> Bytes {
        while let Some(part) = self.parts.get(self.at)
            && part.is_empty()
        {
            self.at += 1;
        }
        let Some(part) = self.parts.get_mut(self.at) else {
            return Bytes::new();
        };
        if part.len() >= bytes {
            return part.split_to(bytes);
        }
        let mut whole = BytesMut::with_capacity(bytes);
        while whole.len() < bytes {
            let Some(part) = self.parts.get_mut(self.at) else {
                break;
            };
            let here = part.len().min(bytes - whole.len());
            whole.extend_from_slice(&part.split_to(here));
            if part.is_empty() {
                self.at += 1;
            }
        }
        whole.freeze()
    }
}

#[cfg(test)]
mod tests;
