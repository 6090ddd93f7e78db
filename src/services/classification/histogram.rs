//! How often each value occurs in a tile of one band of integers.

use msvpu_actors::{Context, Result};

/// Bytes counted between two looks at the cancellation flag; a `u32` counts that many safely.
const CHUNK_BYTES: usize = 1 << 22;

/// Tables that take turns, so that equal neighbouring pixels do not wait for each other's
/// increment: 0.26 ns a pixel of noise, 0.31 ns of a flat picture.
const TABLES_U8: usize = 8;

/// Bytes of 16-bit samples after which the 32-bit counters are emptied; they could take 8 times as
/// many. The two tables of 2¹⁶ counters that take turns still fit into a second-level cache.
const PART_BYTES: usize = 1 << 30;

/// Counts 8-bit samples.
pub(crate) fn count_u8(samples: &[u8], context: &Context) -> Result<Vec<u64>> {
    let mut counts = vec![0; 1 << 8];
    for chunk in samples.chunks(CHUNK_BYTES) {
        context.check()?;
        let mut tables = [[0_u32; 1 << 8]; TABLES_U8];
        let (words, rest) = chunk.as_chunks::<TABLES_U8>();
        let [t0, t1, t2, t3, t4, t5, t6, t7] = &mut tables;
        for word in words {
            // One load for eight pixels, and two short chains of shifts instead of a long one.
            let word = u64::from_le_bytes(*word);
            let (low, high) = (word as u32, (word >> 32) as u32);
            t0[usize::from(low as u8)] += 1;
            t1[usize::from((low >> 8) as u8)] += 1;
            t2[usize::from((low >> 16) as u8)] += 1;
            t3[usize::from((low >> 24) as u8)] += 1;
            t4[usize::from(high as u8)] += 1;
            t5[usize::from((high >> 8) as u8)] += 1;
            t6[usize::from((high >> 16) as u8)] += 1;
            t7[usize::from((high >> 24) as u8)] += 1;
        }
        for &sample in rest {
            tables[0][usize::from(sample)] += 1;
        }
        for table in &tables {
            merge(&mut counts, table);
        }
    }
    Ok(counts)
}

/// Counts 16-bit little-endian samples.
pub(crate) fn count_u16(samples: &[u8], context: &Context) -> Result<Vec<u64>> {
    let mut counts = vec![0; 1 << 16];
    for part in samples.chunks(PART_BYTES) {
        let mut even = vec![0_u32; 1 << 16];
        let mut odd = even.clone();
        for chunk in part.chunks(CHUNK_BYTES) {
            context.check()?;
            let (pairs, rest) = chunk.as_chunks::<4>();
            for &[a, b, c, d] in pairs {
                even[usize::from(u16::from_le_bytes([a, b]))] += 1;
                odd[usize::from(u16::from_le_bytes([c, d]))] += 1;
            }
            if let &[a, b] = rest {
                even[usize::from(u16::from_le_bytes([a, b]))] += 1;
            }
        }
        merge(&mut counts, &even);
        merge(&mut counts, &odd);
    }
    Ok(counts)
}

fn merge(counts: &mut [u64], table: &[u32]) {
    for (count, &more) in counts.iter_mut().zip(table) {
        *count += u64::from(more);
    }
}
