//! The events of a job, as a server sends them (text/event-stream).

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use msvpu_web::model::{Event, EventBody};

use crate::cli::failure::Failure;

/// How often in vain a stream that ended before the job did is opened again: about a minute, in which a server may be
/// started anew.
const PATIENCE: u32 = 32;
/// The pause before the first attempt; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What comes of listening.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// Something has happened to the job.
    Event(Event),
    /// The server is not there any more, and this is why; it is tried again.
    Away(Failure),
}

/// Why there is no event.
enum Trouble {
    /// It may be over the next time.
    Passing(Failure),
    /// It would be the same the next time.
    Final(Failure),
}

/// Reads events one after the other, over as many streams as it takes.
pub(super) struct Events<R, F, P> {
    /// Opens a stream of what comes after an event.
    open: F,
    pause: P,
    stream: Option<BufReader<R>>,
    last: u64,
    /// Whether a stream was ever opened: a server that was never there is not waited for.
    was_open: bool,
    in_vain: u32,
    is_away: bool,
    ended: bool,
}

impl<R: Read, F: FnMut(u64) -> Result<R, Failure>, P: FnMut(Duration)> Events<R, F, P> {
    pub(super) const fn new(open: F, pause: P) -> Self {
        Self {
            open,
            pause,
            stream: None,
            last: 0,
            was_open: false,
            in_vain: 0,
            is_away: false,
            ended: false,
        }
    }

    /// The next event of the stream.
    fn read(&mut self) -> Result<Event, Trouble> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = (self.open)(self.last).map_err(|failure| match failure {
                    Failure::Runtime(_) if self.was_open => Trouble::Passing(failure),
                    refused => Trouble::Final(refused),
                })?;
                self.was_open = true;
                self.stream.insert(BufReader::new(stream))
            }
        };
        let mut data = String::new();
        let mut line = String::new();
        loop {
            line.clear();
            match stream.read_line(&mut line) {
                Ok(0) | Err(_) => {
                    let failure = "the server ends the events before the job has ended";
                    return Err(Trouble::Passing(Failure::runtime(failure)));
                }
                // A comment is a sign of life too.
                Ok(_) => self.in_vain = 0,
            }
            let text = line.trim_end_matches(['\n', '\r']);
            if let Some(part) = text.strip_prefix("data:") {
                data.push_str(part.strip_prefix(' ').unwrap_or(part));
            } else if text.is_empty() && !data.is_empty() {
                return serde_json::from_str(&data).map_err(|error| {
                    let failure = format_args!("an event that cannot be read: {error}");
                    Trouble::Final(Failure::runtime(failure))
                });
            }
        }
    }

    /// Whether it is worth to try again, after a pause.
    fn has_patience(&mut self) -> bool {
        if self.in_vain >= PATIENCE {
            return false;
        }
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.in_vain.min(8));
        (self.pause)(doubled.min(LONGEST_PAUSE));
        self.in_vain += 1;
        self.stream = None;
        true
    }
}

impl<R: Read, F: FnMut(u64) -> Result<R, Failure>, P: FnMut(Duration)> Iterator
    for Events<R, F, P>
{
    type Item = Result<Heard, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let failure = match self.read() {
                Ok(event) => {
                    self.is_away = false;
                    self.last = event.id;
                    self.ended = matches!(event.body, EventBody::Done { .. });
                    return Some(Ok(Heard::Event(event)));
                }
                Err(Trouble::Passing(failure)) if self.has_patience() => failure,
                Err(Trouble::Passing(failure) | Trouble::Final(failure)) => {
                    self.ended = true;
                    return Some(Err(failure));
                }
            };
            // A stream that just ends is opened again without a word.
            if self.in_vain > 1 && !std::mem::replace(&mut self.is_away, true) {
                return Some(Ok(Heard::Away(failure)));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "id: 1\nevent: log\ndata: {\"id\":1,\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"log\",\
        \"level\":\"info\",\"message\":\"m\"}\n\n: still here\n\n";
    const LAST: &str = "id: 2\r\nevent: done\r\ndata: {\"id\":2,\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"done\",\
        \"state\":\"CANCELLED\"}\r\n\r\n";

    /// The ids that come of these streams, one after the other (`Err`: it cannot be opened), what was said beside
    /// them, and after which events the streams were asked for.
    fn ids(
        streams: &[Result<&'static str, Failure>],
    ) -> (Vec<Result<u64, Failure>>, Vec<u64>, u32) {
        let mut left = streams.iter();
        let (mut asked, mut away) = (Vec::new(), 0);
        let open = |after| {
            asked.push(after);
            left.next().cloned().unwrap_or(Ok("")).map(str::as_bytes)
        };
        let mut ids = Vec::new();
        for heard in Events::new(open, |_| {}) {
            match heard {
                Ok(Heard::Event(event)) => ids.push(Ok(event.id)),
                Ok(Heard::Away(_)) => away += 1,
                Err(failure) => ids.push(Err(failure)),
            }
        }
        (ids, asked, away)
    }

    #[test]
    fn a_stream_that_breaks_is_gone_on_with() {
        let whole = [FIRST, LAST].concat().leak();
        assert_eq!(ids(&[Ok(whole)]), (vec![Ok(1), Ok(2)], vec![0], 0));
        let cut = &whole[..FIRST.len() + 30];
        assert_eq!(
            ids(&[Ok(cut), Ok(LAST)]),
            (vec![Ok(1), Ok(2)], vec![0, 1], 0)
        );
    }

    #[test]
    fn a_server_that_comes_back_is_waited_for() {
        let away = || Err(Failure::runtime("nobody listens"));
        let streams = [Ok(FIRST), away(), away(), away(), Ok(LAST)];
        assert_eq!(ids(&streams), (vec![Ok(1), Ok(2)], vec![0, 1, 1, 1, 1], 1));
    }

    #[test]
    fn a_server_that_was_never_there_or_refuses_is_not_asked_again() {
        let away = Failure::runtime("nobody listens");
        assert_eq!(
            ids(&[Err(away.clone()), Ok(LAST)]),
            (vec![Err(away)], vec![0], 0)
        );
        let refused = Failure::input("there is no such job");
        let streams = [Ok(FIRST), Err(refused.clone()), Ok(LAST)];
        assert_eq!(ids(&streams), (vec![Ok(1), Err(refused)], vec![0, 1], 0));
    }

    #[test]
    fn a_server_that_says_nothing_is_given_up() {
        let (ids, asked, away) = ids(&[Ok(FIRST)]);
        assert_eq!(ids[0], Ok(1));
        assert!(ids[1].is_err() && ids.len() == 2);
        assert_eq!(asked.len(), 1 + PATIENCE as usize);
        assert_eq!(away, 1);
    }
}
