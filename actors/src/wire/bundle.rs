//! Parts of several messages in one message of the broker's: for the broker, and for both ends, a
//! short message is as much work as a long one.
//!
//! The header is the version alone. The body begins with the [`Contents`]; the bodies of the parts
//! follow in that order, each as it would be if it had come by itself.

use bytes::{Buf, Bytes};
use serde::{Deserialize, Serialize};

use crate::id::Origin;
use crate::wire::body::Body;
use crate::wire::frame::{PartHead, VERSION, WireError};

/// The kind of such a message: none of ours is called so.
pub(crate) const KIND: &str = "bundle";

/// The most parts of a bundle.
pub(crate) const MAX_PARTS: usize = 512;

/// The most bytes of the bodies in a bundle: four tiles of 64 KiB. So long a message is hardly dearer
/// by the byte than a longer one, and who keeps something that came in it keeps no more than that
/// alive.
pub(crate) const MAX_BYTES: usize = (256 + 4) << 10;

/// What a bundle is made of, in the order in which it was sent.
#[derive(Serialize, Deserialize)]
struct Contents<'a> {
    #[serde(borrow)]
    runs: Vec<Run<'a>>,
}

/// Parts that have so much in common: most often all.
#[derive(Serialize, Deserialize)]
struct Run<'a> {
    kind: &'a str,
    from: Origin,
    parts: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    sequence: u64,
    part: u32,
    parts: u32,
    bytes: u32,
}

/// The header of a bundle.
pub(crate) const fn header() -> [u8; 1] {
    [VERSION]
}

/// Whether a header is that of a bundle.
///
/// # Errors
/// When it is not.
pub(crate) const fn check(header: &[u8]) -> Result<(), WireError> {
    match header {
        [VERSION] => Ok(()),
        [] => Err(WireError::NoHead),
        [VERSION, ..] => Err(WireError::Head),
        [version, ..] => Err(WireError::Version(*version)),
    }
}

/// Puts parts into one body.
///
/// # Errors
/// None that can occur: numbers and names can be encoded.
pub(crate) fn pack<'a>(
    parts: impl ExactSizeIterator<Item = (&'a str, PartHead, &'a Body)> + Clone,
) -> Result<Bytes, postcard::Error> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    let mut bytes = 0;
    for (kind, head, body) in parts.clone() {
        let PartHead {
            from,
            sequence,
            part,
            parts,
        } = head;
        let entry = Entry {
            sequence,
            part,
            parts,
            bytes: body.len() as u32,
        };
        bytes += body.len();
        match runs.last_mut() {
            Some(run) if run.kind == kind && run.from == from => run.parts.push(entry),
            _ => runs.push(Run {
                kind,
                from,
                parts: vec![entry],
            }),
        }
    }
    let contents = postcard::to_allocvec(&Contents { runs })?;
    let mut whole = Vec::with_capacity(contents.len() + bytes);
    whole.extend(contents);
    for (_, _, body) in parts {
        body.write(&mut whole);
    }
    Ok(whole.into())
}

/// Parts of one kind, in the order in which they were sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unpacked {
    pub(crate) kind: String,
    pub(crate) parts: Vec<(PartHead, Bytes)>,
}

/// Takes a bundle apart. Nothing is copied but what has to wait for other parts: it would keep the
/// whole bundle alive for as long. What the parts hold is not looked at.
///
/// # Errors
/// When it cannot be told where a part begins or ends, it is of more parts or bytes than a bundle has,
/// or one of them cannot be a part.
pub(crate) fn unpack(mut bundle: Bytes) -> Result<Vec<Unpacked>, WireError> {
    let whole = bundle.clone();
    let (contents, bodies) = postcard::take_from_bytes::<Contents<'_>>(&whole)
        .map_err(|error| WireError::Body(error.to_string()))?;
    let Contents { runs } = contents;
    let entries = || runs.iter().flat_map(|run| &run.parts);
    let count = entries().count();
    if count > MAX_PARTS {
        return Err(WireError::Bundle { parts: count });
    }
    if bodies.len() > MAX_BYTES {
        let bytes = bodies.len();
        return Err(WireError::LongBundle { bytes });
    }
    let expected: u64 = entries().map(|entry| u64::from(entry.bytes)).sum();
    let got = bodies.len() as u64;
    if got != expected {
        return Err(WireError::Bulk { got, expected });
    }
    bundle.advance(whole.len() - bodies.len());
    let unpack = |Run { kind, from, parts }: Run<'_>| {
        let part = |entry: Entry| {
            let head = PartHead {
                from,
                sequence: entry.sequence,
                part: entry.part,
                parts: entry.parts,
            };
            let body = bundle.split_to(entry.bytes as usize);
            let body = match head.parts {
                1 => body,
                _ => Bytes::copy_from_slice(&body),
            };
            Ok((head.checked()?, body))
        };
        Ok(Unpacked {
            kind: kind.to_owned(),
            parts: parts.into_iter().map(part).collect::<Result<_, _>>()?,
        })
    };
    runs.into_iter().map(unpack).collect()
}

#[cfg(test)]
mod tests;
