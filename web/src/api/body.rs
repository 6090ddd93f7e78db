//! Bodies of requests: as they come, no longer than they may be, and not for ever.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::{Path, Segment, Track};
use tokio::time::{Instant, timeout};

use crate::model::FieldError;
use crate::problem::{Code, Problem};

/// How slow a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// The longest silence, and what every body may take beside its rate.
    pub(crate) idle: Duration,
    /// Bytes a second.
    pub(crate) min_rate: u64,
}

impl Pace {
    /// How long so many bytes may be waited for in all.
    fn allowance(self, bytes: u64) -> Duration {
        let milliseconds = bytes.saturating_mul(1000) / self.min_rate.max(1);
        self.idle
            .saturating_add(Duration::from_millis(milliseconds))
    }
}

/// A body that is coming in. Reads nothing ahead, so that who is slow to take it slows its sender.
pub(crate) struct Body {
    payload: Payload,
    pace: Pace,
    received: u64,
    /// How long was waited for the client so far; what the server takes is not the client's.
    waited: Duration,
}

impl Body {
    pub(crate) const fn new(payload: Payload, pace: Pace) -> Self {
        Self {
            payload,
            pace,
            received: 0,
            waited: Duration::ZERO,
        }
    }

    /// How much has come so far, in bytes.
    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    /// The next part.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Problem>> {
        let left = self
            .pace
            .allowance(self.received)
            .saturating_sub(self.waited);
        let begun = Instant::now();
        let part = timeout(left.min(self.pace.idle), self.payload.next()).await;
        self.waited += begun.elapsed();
        match part {
            Ok(None) => None,
            Ok(Some(Ok(part))) => {
                self.received += part.len() as u64;
                Some(Ok(part))
            }
            Ok(Some(Err(error))) => Some(Err(broken(&error))),
            Err(_) => Some(Err(self.slow())),
        }
    }

    fn slow(&self) -> Problem {
        Problem::new(
            Code::SlowBody,
            format!(
                "after {} bytes no more came in time; a body may rest for {:?}, and needs {} bytes a second",
                self.received, self.pace.idle, self.pace.min_rate
            ),
        )
    }

    /// All of it, unless it is longer than `limit` bytes.
    pub(crate) async fn all(mut self, headers: &HeaderMap, limit: u64) -> Result<Bytes, Problem> {
        if content_length(headers).is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        let mut all = BytesMut::new();
        while let Some(part) = self.next().await {
            let part = part?;
            if self.received > limit {
                return Err(too_large(limit));
            }
            all.extend_from_slice(&part);
        }
        Ok(all.freeze())
    }
}

pub(crate) fn too_large(limit: u64) -> Problem {
    Problem::new(
        Code::TooLarge,
        format!("it may have {limit} bytes; this one has more"),
    )
}

fn broken(error: &PayloadError) -> Problem {
    Problem::new(
        Code::BadRequest,
        format!("the body broke off or is not as its headers say: {error}"),
    )
}

/// What the client says that the body has, in bytes.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The media type of a body, in lower case, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = value.split(';').next()?.trim();
    Some(media_type.to_ascii_lowercase())
}

/// A JSON object, of which `expected` is to be an example; errors tell the field.
pub(crate) fn from_json<T: DeserializeOwned>(
    text: &[u8],
    expected: &'static str,
) -> Result<T, Problem> {
    let malformed = |error: serde_json::Error| Problem::new(Code::MalformedJson, error.to_string());
    let mut reader = serde_json::Deserializer::from_slice(text);
    let mut track = Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let value =
        match object(tracked, expected) {
            Ok(value) => value,
            Err(error) if error.is_data() => {
                return Err(Problem::new(Code::InvalidFields, "some fields are wrong")
                    .with_fields(vec![FieldError {
                        pointer: pointer(&track.path()),
                        detail: in_words_of_json(&error.to_string()),
                    }]));
            }
            Err(error) => return Err(malformed(error)),
        };
    reader.end().map_err(malformed)?;
    Ok(value)
}

/// An object and nothing else. What serde derives for a struct takes a list of its values too, and says of one that is
/// too short what the struct is called here.
pub(super) fn object<'de, D, T>(reader: D, expected: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Fields<T> {
        expected: &'static str,
        of: PhantomData<T>,
    }

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.expected)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    let of = PhantomData;
    reader.deserialize_map(Fields { expected, of })
}

/// What serde says, which has other names for what JSON has.
fn in_words_of_json(message: &str) -> String {
    [
        ("invalid type: sequence", "invalid type: array"),
        ("invalid type: map", "invalid type: object"),
        ("expected a sequence", "expected an array"),
        ("expected a map", "expected an object"),
    ]
    .iter()
    .fold(message.to_owned(), |text, (serde, json)| {
        text.replace(serde, json)
    })
}

/// A path as a JSON pointer (RFC 6901).
pub(crate) fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path.iter() {
        let token = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&token);
    }
    pointer
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        number: u8,
    }

    const EXAMPLE: &str = "an object such as {\"inner\": []}";

    fn wrong(text: &str) -> Problem {
        from_json::<Outer>(text.as_bytes(), EXAMPLE).unwrap_err()
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for text in ["", "{", "{\"inner\":[]} x", "\u{1}"] {
            assert_eq!(wrong(text).code, Code::MalformedJson, "{text}");
        }
    }

    #[test]
    fn what_is_right_is_read() {
        let outer: Outer = from_json(b"{\"inner\":[{\"number\":7}]}", EXAMPLE).unwrap();
        assert_eq!(outer.inner[0].number, 7);
    }

    #[test]
    fn a_wrong_field_is_pointed_at() {
        for (text, pointer) in [
            (
                "{\"inner\":[{\"number\":1},{\"number\":300}]}",
                "#/inner/1/number",
            ),
            ("{\"inner\":[{}]}", "#/inner/0"),
            ("{\"other\":1}", "#/other"),
            ("{}", "#"),
            ("[[{\"number\":1}]]", "#"),
        ] {
            let problem = wrong(text);
            assert_eq!(problem.code, Code::InvalidFields, "{text}");
            assert_eq!(problem.errors[0].pointer, pointer, "{text}");
        }
    }

    #[test]
    fn what_is_something_else_is_told_what_it_is_to_be() {
        for (text, pointer, words) in [
            (
                "[]",
                "#",
                "invalid type: array, expected an object such as {\"inner\": []}",
            ),
            (
                "\"three\"",
                "#",
                "invalid type: string \"three\", expected an object such as",
            ),
            (
                "{\"inner\":{}}",
                "#/inner",
                "invalid type: object, expected an array",
            ),
            ("{}", "#", "missing field `inner`"),
        ] {
            let problem = wrong(text);
            let [field] = problem.errors.as_slice() else {
                panic!("{problem:?}")
            };
            assert_eq!(field.pointer, pointer, "{text}");
            assert!(field.detail.starts_with(words), "{text}: {}", field.detail);
        }
    }

    /// A body of one byte a second, in virtual time.
    fn dripping(bytes: usize) -> Payload {
        let drops = stream::iter(0..bytes).then(|_| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(Bytes::from_static(b"x"))
        });
        Payload::Stream {
            payload: Box::pin(drops),
        }
    }

    async fn read(bytes: usize, min_rate: u64) -> Result<Bytes, Problem> {
        let pace = Pace {
            idle: Duration::from_secs(30),
            min_rate,
        };
        let body = Body::new(dripping(bytes), pace);
        body.all(&HeaderMap::new(), 1000).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_keeps_its_rate_may_take_longer_than_a_rest() {
        assert_eq!(read(200, 1).await.unwrap().len(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_rests_and_never_gets_on_is_given_up() {
        let begun = Instant::now();
        let problem = read(200, 1000).await.unwrap_err();
        assert_eq!(problem.code, Code::SlowBody);
        assert_eq!(begun.elapsed().as_secs(), 30);
    }
}
