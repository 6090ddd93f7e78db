//! Values that are written short. A transaction costs what its pages take, and JSON and pages of HTML are mostly the
//! same words: LZ4 makes them three times shorter, in less time than the longer ones would take to be written.

use std::borrow::Cow;

use super::StoreError;

/// The first byte: what follows is as it was.
const PLAIN: u8 = 0;
/// The first byte: what follows is a length of 32 bits, little-endian, and an LZ4 block.
const LZ4: u8 = 1;
/// Shorter ones share a page with others, whatever is done.
const WORTHWHILE_BYTES: usize = 512;
/// A byte of an LZ4 block stands for so many at most (LZ4 block format, "linear small-integer code").
const MAX_RATIO: usize = 255;

/// A value as it is written.
pub(super) fn pack(value: &[u8]) -> Vec<u8> {
    if value.len() >= WORTHWHILE_BYTES && u32::try_from(value.len()).is_ok() {
        let mut packed = vec![LZ4];
        packed.extend(lz4_flex::block::compress_prepend_size(value));
        if packed.len() < value.len() {
            return packed;
        }
    }
    let mut plain = Vec::with_capacity(1 + value.len());
    plain.push(PLAIN);
    plain.extend(value);
    plain
}

/// The value that was written as `packed`; `what` it is, for the error.
pub(super) fn unpack<'p>(
    what: impl Fn() -> String,
    packed: &'p [u8],
) -> Result<Cow<'p, [u8]>, StoreError> {
    let damaged = |problem: String| StoreError::Failed(format!("{} is damaged: {problem}", what()));
    match packed.split_first() {
        Some((&PLAIN, value)) => Ok(Cow::Borrowed(value)),
        Some((&LZ4, rest)) => {
            let (bytes, block) = lz4_flex::block::uncompressed_size(rest)
                .map_err(|error| damaged(error.to_string()))?;
            // Before there is memory for it.
            if bytes > block.len().saturating_mul(MAX_RATIO) {
                return Err(damaged(format!(
                    "{} bytes cannot become {bytes}",
                    block.len()
                )));
            }
            let value = lz4_flex::block::decompress(block, bytes)
                .map_err(|error| damaged(error.to_string()))?;
            Ok(Cow::Owned(value))
        }
        Some((other, _)) => Err(damaged(format!("it begins with {other}"))),
        None => Err(damaged("it has no byte".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::noise;

    fn read(packed: &[u8]) -> Result<Vec<u8>, String> {
        let value = unpack(|| "it".to_owned(), packed);
        value
            .map(Cow::into_owned)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn whatever_is_packed_comes_back_and_takes_a_byte_more_at_most() {
        let noise = noise(70_000).into_bytes();
        let words = b"{\"event\":\"state\"},".repeat(4000);
        for value in [&noise[..], &words] {
            for length in (0..2000).chain([value.len()]) {
                let packed = pack(&value[..length]);
                assert!(packed.len() <= length + 1, "{length}");
                assert_eq!(read(&packed).as_deref(), Ok(&value[..length]));
            }
        }
        assert!(pack(&words).len() < words.len() / 50);
    }

    #[test]
    fn what_is_damaged_is_told_and_takes_no_memory() {
        let packed = pack(&b"state ".repeat(200));
        assert_eq!(packed[0], LZ4);
        for wrong in [&[][..], &[7, 1], &[LZ4, 1, 0], &packed[..packed.len() - 1]] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains("it is damaged: "), "{error}");
        }
        let mut long = packed;
        long[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
        let error = read(&long).unwrap_err();
        assert!(error.contains("cannot become 4294967295"), "{error}");
    }
}
