//! The door to stdout: Rust ignores SIGPIPE, so a reader that left must be met here.

use std::io::{self, ErrorKind, Write};

use super::failure::Failure;

/// Writes `text` to stdout; that the reader has closed the pipe is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    write_to(&mut io::stdout().lock(), text)
}

fn write_to(to: &mut impl Write, text: &str) -> Result<(), Failure> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::runtime(format_args!(
            "cannot write to stdout: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes one line to stderr; when even that fails there is nobody left to tell.
pub(crate) fn complain(message: &str) {
    let _ = writeln!(io::stderr().lock(), "msvpu: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_closed_pipe_is_forgiven() {
        assert_eq!(write_to(&mut Broken(ErrorKind::BrokenPipe), "x"), Ok(()));
        let full = write_to(&mut Broken(ErrorKind::StorageFull), "x");
        assert_eq!(full.unwrap_err().status(), 1);
    }
}
