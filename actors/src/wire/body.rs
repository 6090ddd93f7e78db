//! What is to be written in one go, though it lies in several places.

use bytes::Bytes;

/// Slices of what is sent, to be put one after the other only when it is handed to the broker:
/// until then nothing is copied, and what waits takes no memory of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    slices: Vec<Bytes>,
    bytes: usize,
}

impl Body {
    pub(crate) fn push(&mut self, slice: Bytes) {
        self.bytes += slice.len();
        self.slices.push(slice);
    }

    pub(crate) const fn len(&self) -> usize {
        self.bytes
    }

    /// Writes it at the end of `to`.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        for slice in &self.slices {
            to.extend_from_slice(slice);
        }
    }

    /// All of it; a copy unless it lies in one place.
    pub(crate) fn gather(&self) -> Bytes {
        match self.slices.as_slice() {
            [whole] => whole.clone(),
            _ => {
                let mut whole = Vec::with_capacity(self.bytes);
                self.write(&mut whole);
                whole.into()
            }
        }
    }
}

impl From<Bytes> for Body {
    fn from(slice: Bytes) -> Self {
        Self {
            bytes: slice.len(),
            slices: vec![slice],
        }
    }
}
