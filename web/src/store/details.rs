//! What a job leaves beside its record, as one value: a transaction costs what its rows take, and what belongs together
//! is packed shorter than each by itself.

use super::StoreError;
use super::packed::{pack, unpack};

/// What a job leaves beside its record, each part as it is read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Details<'d> {
    /// The list of its last events, as JSON: those that were not written before its end.
    pub(super) events: &'d [u8],
    /// What its team did over time, as JSON; empty if that is not known.
    pub(super) team: &'d [u8],
    /// Its artifacts by name, if they are small together.
    pub(super) artifacts: Vec<(&'d str, &'d [u8])>,
}

impl<'d> Details<'d> {
    /// As it is written: each part behind its length, of 32 bits, little-endian.
    ///
    /// # Errors
    /// When a part is longer than that.
    pub(super) fn pack(&self) -> Result<Vec<u8>, StoreError> {
        let named = self.artifacts.iter();
        let named = named.flat_map(|(name, content)| [name.as_bytes(), content]);
        let parts: Vec<&[u8]> = [self.events, self.team].into_iter().chain(named).collect();
        let bytes = parts.iter().map(|part| 4 + part.len()).sum();
        let mut all = Vec::with_capacity(bytes);
        for part in parts {
            let length = u32::try_from(part.len());
            let length = length.map_err(|error| StoreError::Failed(error.to_string()))?;
            all.extend(length.to_le_bytes());
            all.extend(part);
        }
        Ok(pack(&all))
    }

    /// Reads what [`pack`](Self::pack) has written and [`unpack`] unpacked; nothing if it is damaged.
    pub(super) fn read(mut all: &'d [u8]) -> Option<Self> {
        let mut parts = Vec::new();
        while let Some((length, rest)) = all.split_first_chunk() {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (part, rest) = rest.split_at_checked(length)?;
            parts.push(part);
            all = rest;
        }
        let [events, team, named @ ..] = &parts[..] else {
            return None;
        };
        let (named, odd) = named.as_chunks();
        let artifact =
            |[name, content]: &[&'d [u8]; 2]| Some((str::from_utf8(name).ok()?, *content));
        let artifacts = named.iter().map(artifact).collect::<Option<_>>()?;
        (all.is_empty() && odd.is_empty()).then_some(Self {
            events,
            team,
            artifacts,
        })
    }
}

/// What is in a value that [`Details::pack`] has written, handed to `read`; `what` it is, for the error.
pub(super) fn with<T>(
    what: impl Fn() -> String,
    packed: &[u8],
    read: impl FnOnce(&Details<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let all = unpack(&what, packed)?;
    let details = Details::read(&all);
    read(&details.ok_or_else(|| StoreError::Failed(format!("{} is damaged", what())))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_come_back_as_they_were() {
        let long = b"report".repeat(5000);
        let artifacts: Vec<(&str, &[u8])> = vec![("a.html", &long), ("", b""), ("ä", b"b")];
        for (events, team, artifacts) in [
            (&b"[]"[..], &b""[..], Vec::new()),
            (b"", b"", Vec::new()),
            (b"[1]", b"{}", artifacts),
        ] {
            let details = Details {
                events,
                team,
                artifacts,
            };
            let packed = details.pack().unwrap();
            let check = |found: &Details<'_>| {
                assert_eq!(*found, details);
                Ok(())
            };
            with(|| "it".to_owned(), &packed, check).unwrap();
        }
    }

    #[test]
    fn what_is_damaged_is_told() {
        let part = |part: &[u8]| [&(part.len() as u32).to_le_bytes(), part].concat();
        let whole = [part(b"[]"), part(b""), part(b"a"), part(b"x")].concat();
        assert!(Details::read(&whole).is_some());
        let no_name = [part(b"[]"), part(b""), part(&[0xff]), part(b"x")].concat();
        let long = [&whole[..], &u32::MAX.to_le_bytes()].concat();
        let odd = [part(b"[]"), part(b""), part(b"a")].concat();
        let cut = &whole[..whole.len() - 1];
        for wrong in [&b""[..], &part(b"[]"), &no_name, &long, &odd, cut] {
            assert_eq!(Details::read(wrong), None, "{wrong:?}");
        }
        let error = with(|| "it".to_owned(), &pack(b"no"), |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "it is damaged");
    }
}
