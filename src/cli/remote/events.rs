//! The events of a job, as a server sends them (text/event-stream).

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use msvpu_web::model::{Event, EventBody};

use super::patience::Patience;
use crate::cli::failure::Failure;

/// What comes of listening.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// Something has happened to the job.
    Event(Event),
    /// The server is not there any more, and this is why; it is tried again.
    Away(Failure),
}

/// Reads events one after the other, over as many streams as it takes.
pub(super) struct Events<R, F, S> {
    /// Opens a stream of what comes after an event.
    open: F,
    /// Waits.
    sleep: S,
    stream: Option<BufReader<R>>,
    /// The id of the last event, as the server names it.
    last: String,
    patience: Patience,
    /// Whether a stream was ever opened: a server that was never there is not waited for.
    was_open: bool,
    /// Whether its absence was told.
    is_away: bool,
    ended: bool,
}

/// Why there is no event.
enum Gone {
    /// The stream has ended, whatever ended it.
    Broken,
    /// There is none now.
    Away(Failure),
    /// There will be none.
    Refused(Failure),
}

impl<R: Read, F: FnMut(&str) -> Result<R, Failure>, S: FnMut(Duration)> Events<R, F, S> {
    pub(super) const fn new(open: F, sleep: S) -> Self {
        Self {
            open,
            sleep,
            stream: None,
            last: String::new(),
            patience: Patience::new(),
            was_open: false,
            is_away: false,
            ended: false,
        }
    }

    /// The next event of the stream.
    fn read(&mut self) -> Result<Event, Gone> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => match (self.open)(&self.last) {
                Ok(stream) => {
                    self.was_open = true;
                    self.stream.insert(BufReader::new(stream))
                }
                Err(failure @ Failure::Runtime(_)) if self.was_open => {
                    return Err(Gone::Away(failure));
                }
                Err(failure) => return Err(Gone::Refused(failure)),
            },
        };
        let (mut id, mut data) = (String::new(), String::new());
        let mut line = String::new();
        loop {
            line.clear();
            match stream.read_line(&mut line) {
                Ok(0) | Err(_) => return Err(Gone::Broken),
                Ok(_) => {}
            }
            let text = line.trim_end_matches(['\n', '\r']);
            if let Some(part) = text.strip_prefix("data:") {
                data.push_str(part.strip_prefix(' ').unwrap_or(part));
            } else if let Some(name) = text.strip_prefix("id:") {
                name.trim().clone_into(&mut id);
            } else if text.is_empty() && !data.is_empty() {
                let event: Event = serde_json::from_str(&data).map_err(|error| {
                    Gone::Refused(Failure::runtime(format_args!(
                        "an event that cannot be read: {error}"
                    )))
                })?;
                self.last = id;
                return Ok(event);
            }
        }
    }

    fn end(&mut self, failure: Failure) -> Option<Result<Heard, Failure>> {
        self.ended = true;
        Some(Err(failure))
    }
}

impl<R: Read, F: FnMut(&str) -> Result<R, Failure>, S: FnMut(Duration)> Iterator
    for Events<R, F, S>
{
    type Item = Result<Heard, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let failure = match self.read() {
                Ok(event) => {
                    self.patience = Patience::new();
                    self.is_away = false;
                    self.ended = matches!(event.body, EventBody::Done { .. });
                    return Some(Ok(Heard::Event(event)));
                }
                Err(Gone::Refused(failure)) => return self.end(failure),
                Err(Gone::Away(failure)) if !self.is_away => {
                    self.is_away = true;
                    return Some(Ok(Heard::Away(failure)));
                }
                Err(Gone::Away(failure)) => failure,
                Err(Gone::Broken) => {
                    Failure::runtime("the server ends the events before the job has ended")
                }
            };
            self.stream = None;
            match self.patience.next() {
                Some(wait) => (self.sleep)(wait),
                None => return self.end(failure),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "id: 3-1\nevent: log\ndata: {\"id\":1,\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"log\",\
        \"level\":\"info\",\"message\":\"m\"}\n\n: still here\n\n";
    const LAST: &str = "id: 3-2\r\nevent: done\r\ndata: {\"id\":2,\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"done\",\
        \"state\":\"CANCELLED\"}\r\n\r\n";

    type Stream = Result<&'static str, Failure>;

    /// What comes of these streams, one after the other; what was asked for; and how long was waited.
    fn ids(streams: Vec<Stream>) -> (Vec<Result<u64, Failure>>, Vec<String>, Duration) {
        let mut left = streams.into_iter();
        let mut asked = Vec::new();
        let mut waited = Duration::ZERO;
        let open = |after: &str| {
            asked.push(after.to_owned());
            left.next().unwrap_or(Ok("")).map(str::as_bytes)
        };
        let events = Events::new(open, |wait| waited += wait);
        let ids = events.filter_map(|heard| match heard {
            Ok(Heard::Event(event)) => Some(Ok(event.id)),
            Ok(Heard::Away(_)) => None,
            Err(failure) => Some(Err(failure)),
        });
        let ids = ids.collect();
        (ids, asked, waited)
    }

    fn whole() -> &'static str {
        [FIRST, LAST].concat().leak()
    }

    #[test]
    fn a_stream_that_breaks_is_gone_on_with() {
        let (found, asked, waited) = ids(vec![Ok(whole())]);
        assert_eq!((found, asked), (vec![Ok(1), Ok(2)], vec![String::new()]));
        assert_eq!(waited, Duration::ZERO);
        let cut = &whole()[..FIRST.len() + 30];
        let (found, asked, _) = ids(vec![Ok(cut), Ok(LAST)]);
        assert_eq!(found, [Ok(1), Ok(2)]);
        assert_eq!(asked, ["", "3-1"]);
    }

    #[test]
    fn a_server_that_is_started_again_is_waited_for() {
        let away = || Err(Failure::runtime("connection refused"));
        let mut streams = vec![Ok(FIRST)];
        streams.extend(std::iter::repeat_with(away).take(9));
        streams.push(Ok(LAST));
        let (found, asked, waited) = ids(streams);
        assert_eq!(found, [Ok(1), Ok(2)]);
        assert_eq!(asked.last().unwrap(), "3-1");
        assert!(waited > Duration::from_secs(60), "{waited:?}");
    }

    #[test]
    fn a_server_that_says_nothing_is_given_up() {
        let (found, _, waited) = ids(vec![Ok(FIRST)]);
        assert_eq!(found[0], Ok(1));
        assert!(found[1].is_err() && found.len() == 2);
        assert!(waited >= Duration::from_secs(300), "{waited:?}");
    }

    #[test]
    fn its_absence_is_told_once() {
        let away = || Err(Failure::runtime("connection refused"));
        let mut streams = vec![Ok(FIRST), away(), away(), Ok(LAST)].into_iter();
        let events = Events::new(|_| streams.next().unwrap().map(str::as_bytes), |_| {});
        let away = events.filter(|heard| matches!(heard, Ok(Heard::Away(_))));
        assert_eq!(away.count(), 1);
    }

    #[test]
    fn a_server_that_was_never_there_is_not_waited_for() {
        let away = Failure::runtime("connection refused");
        let (found, _, waited) = ids(vec![Err(away.clone()), Ok(LAST)]);
        assert_eq!((found, waited), (vec![Err(away)], Duration::ZERO));
    }

    #[test]
    fn a_refusal_is_final() {
        let refused = Failure::input("there is no such job");
        let (found, asked, waited) = ids(vec![Ok(FIRST), Err(refused.clone()), Ok(LAST)]);
        assert_eq!(found, [Ok(1), Err(refused)]);
        assert_eq!(asked.len(), 2);
        assert_eq!(waited, Duration::from_millis(500));
    }
}
