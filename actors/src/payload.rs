//! What programs exchange: a small encoded head and a raw body that is never copied in one process.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::CodecError;

/// A value on its way between two MsVPUs: an encoded head and a raw body.
///
/// In one process the body is a reference count; on the wire it is written as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The encoded small part.
    pub head: Bytes,
    /// The bulk: pixels, labels. Empty for values without one.
    pub body: Bytes,
}

impl Payload {
    /// Head and body together, in bytes.
    pub(crate) const fn len_bytes(&self) -> usize {
        self.head.len() + self.body.len()
    }
}

/// What may travel between the parts of a machine.
///
/// Every type that implements serde's two traits travels by itself. For bulk data use [`Block`],
/// which keeps its bytes out of the encoder, or implement this for a type of your own.
pub trait Wire: Sized + Send + 'static {
    /// Turns the value into its travelling form.
    ///
    /// # Errors
    /// When the value cannot be encoded.
    fn into_payload(self) -> Result<Payload, CodecError>;

    /// Reads the value back.
    ///
    /// # Errors
    /// When the bytes are not such a value; never panics on foreign bytes.
    fn from_payload(payload: Payload) -> Result<Self, CodecError>;
}

/// Heads up to so many bytes take one piece of memory: partial results are small, of a large team there are
/// many, and a vector, its end and the count of who shares it would be up to three.
const SMALL_BYTES: usize = 39;

/// A small head; with the count of who shares it 56 bytes.
struct Small {
    bytes: [u8; SMALL_BYTES],
    len: u8,
}

impl AsRef<[u8]> for Small {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Bytes, CodecError> {
    let mut bytes = [0; SMALL_BYTES];
    if let Ok(used) = postcard::to_slice(value, &mut bytes) {
        let len = used.len() as u8;
        return Ok(match len {
            0 => Bytes::new(),
            len => Bytes::from_owner(Small { bytes, len }),
        });
    }
    postcard::to_allocvec(value)
        .map(Bytes::from)
        .map_err(|source| CodecError::encode::<T>(source))
}

fn decode<T: DeserializeOwned>(head: &[u8]) -> Result<T, CodecError> {
    let (value, rest) =
        postcard::take_from_bytes(head).map_err(|source| CodecError::decode::<T>(source))?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(CodecError::trailing::<T>(rest.len()))
    }
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Wire for T {
    fn into_payload(self) -> Result<Payload, CodecError> {
        Ok(Payload {
            head: encode(&self)?,
            body: Bytes::new(),
        })
    }

    fn from_payload(payload: Payload) -> Result<Self, CodecError> {
        if !payload.body.is_empty() {
            return Err(CodecError::trailing::<T>(payload.body.len()));
        }
        decode(&payload.head)
    }
}

/// A described piece of bulk data: the head is encoded, the body travels as it stands.
///
/// ```
/// use msvpu_actors::{Block, Wire};
///
/// let block = Block { head: (2_u32, 2_u32), body: vec![1, 2, 3, 4].into() };
/// let back = Block::<(u32, u32)>::from_payload(block.clone().into_payload()?)?;
/// assert_eq!(back, block);
/// # Ok::<(), msvpu_actors::CodecError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block<H> {
    /// What the bytes are: dimensions, sample type, place in the whole.
    pub head: H,
    /// The bytes themselves.
    pub body: Bytes,
}

impl<H: Serialize + DeserializeOwned + Send + 'static> Wire for Block<H> {
    fn into_payload(self) -> Result<Payload, CodecError> {
        Ok(Payload {
            head: encode(&self.head)?,
            body: self.body,
        })
    }

    fn from_payload(payload: Payload) -> Result<Self, CodecError> {
        Ok(Self {
            head: decode(&payload.head)?,
            body: payload.body,
        })
    }
}
