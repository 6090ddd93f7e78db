//! The events of a job, as a server sends them (text/event-stream).

use std::io::{BufRead, BufReader, Read};

use msvpu_web::model::{Event, EventBody};

use crate::cli::failure::Failure;

/// So often in a row a stream that ends before the job does is opened again without a word.
const PATIENCE: u32 = 5;

/// Reads events one after the other, over as many streams as it takes.
pub(super) struct Events<R, F> {
    /// Opens a stream of what comes after an event.
    open: F,
    stream: Option<BufReader<R>>,
    last: u64,
    in_vain: u32,
    ended: bool,
}

impl<R: Read, F: FnMut(u64) -> Result<R, Failure>> Events<R, F> {
    pub(super) const fn new(open: F) -> Self {
        Self {
            open,
            stream: None,
            last: 0,
            in_vain: 0,
            ended: false,
        }
    }

    /// The next event of the stream; `None` when the stream ends, whatever ends it.
    fn read(&mut self) -> Result<Option<Event>, Failure> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => self.stream.insert(BufReader::new((self.open)(self.last)?)),
        };
        let mut data = String::new();
        let mut line = String::new();
        loop {
            line.clear();
            match stream.read_line(&mut line) {
                Ok(0) | Err(_) => return Ok(None),
                Ok(_) => {}
            }
            let text = line.trim_end_matches(['\n', '\r']);
            if let Some(part) = text.strip_prefix("data:") {
                data.push_str(part.strip_prefix(' ').unwrap_or(part));
            } else if text.is_empty() && !data.is_empty() {
                let event = serde_json::from_str(&data);
                return event.map(Some).map_err(|error| {
                    Failure::runtime(format_args!("an event that cannot be read: {error}"))
                });
            }
        }
    }
}

impl<R: Read, F: FnMut(u64) -> Result<R, Failure>> Iterator for Events<R, F> {
    type Item = Result<Event, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.read() {
                Ok(Some(event)) => {
                    self.in_vain = 0;
                    self.last = event.id;
                    self.ended = matches!(event.body, EventBody::Done { .. });
                    return Some(Ok(event));
                }
                Ok(None) if self.in_vain < PATIENCE => {
                    self.in_vain += 1;
                    self.stream = None;
                }
                Ok(None) => {
                    self.ended = true;
                    let failure = "the server ends the events before the job has ended";
                    return Some(Err(Failure::runtime(failure)));
                }
                Err(failure) => {
                    self.ended = true;
                    return Some(Err(failure));
                }
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

    fn ids(streams: &[&'static str]) -> (Vec<Result<u64, Failure>>, Vec<u64>) {
        let mut left = streams.iter();
        let mut asked = Vec::new();
        let events = Events::new(|after| {
            asked.push(after);
            Ok(left.next().unwrap_or(&"").as_bytes())
        });
        let ids = events.map(|event| event.map(|event| event.id)).collect();
        (ids, asked)
    }

    #[test]
    fn a_stream_that_breaks_is_gone_on_with() {
        let whole = [FIRST, LAST].concat().leak();
        assert_eq!(ids(&[whole]), (vec![Ok(1), Ok(2)], vec![0]));
        let cut = &whole[..FIRST.len() + 30];
        assert_eq!(ids(&[cut, LAST]), (vec![Ok(1), Ok(2)], vec![0, 1]));
    }

    #[test]
    fn a_server_that_says_nothing_is_given_up() {
        let (ids, asked) = ids(&[FIRST]);
        assert_eq!(ids[0], Ok(1));
        assert!(ids[1].is_err() && ids.len() == 2);
        assert_eq!(asked.len(), 1 + PATIENCE as usize);
    }
}
