//! A TIFF file, seen so that the `tiff` crate gives all its bands as they are stored.
//!
//! The crate decides by the photometric interpretation which samples it returns: of RGB with a fourth band of no stated
//! meaning (near infrared, in many aerial pictures) it returns three, and of a white-is-zero picture the complement. A
//! classifier wants all bands as stored, which the crate gives for "black is zero". So the interpretation is read here,
//! and the decoder is shown that value in its place.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
    sync::atomic::AtomicBool,
};

use super::stoppable::Stoppable;

const PHOTOMETRIC_INTERPRETATION: u16 = 262;
const SHORT: u16 = 3;
const BLACK_IS_ZERO: u16 = 1;

/// Chunks of one row are common: a larger buffer would be filled for each anew.
const BUFFER_BYTES: usize = 32 << 10;

/// Where the first directory says how samples are to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Photometric {
    /// The value in the file.
    pub(super) value: u16,
    at: u64,
    replacement: [u8; 2],
}

impl Photometric {
    /// `None` when the tag is missing or is not of the type that the standard states (TIFF 6.0, section 8).
    pub(super) fn find(path: &Path) -> io::Result<Option<Self>> {
        let mut directory = DirectoryReader::open(path)?;
        let big = match directory.u16()? {
            43 => {
                directory.u32()?;
                true
            }
            _ => false,
        };
        let start = directory.offset(big)?;
        directory.file.seek(SeekFrom::Start(start))?;
        let entries = if big {
            directory.u64()?
        } else {
            directory.u16()?.into()
        };
        for _ in 0..entries {
            let tag = directory.u16()?;
            let field_type = directory.u16()?;
            directory.offset(big)?;
            let at = directory.file.stream_position()?;
            let value = directory.u16()?;
            directory.bytes::<2>()?;
            if big {
                directory.bytes::<4>()?;
            }
            if tag == PHOTOMETRIC_INTERPRETATION {
                return Ok((field_type == SHORT).then_some(Self {
                    value,
                    at,
                    replacement: if directory.big_endian {
                        BLACK_IS_ZERO.to_be_bytes()
                    } else {
                        BLACK_IS_ZERO.to_le_bytes()
                    },
                }));
            }
        }
        Ok(None)
    }
}

struct DirectoryReader {
    file: BufReader<File>,
    big_endian: bool,
}

impl DirectoryReader {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let mut order = [0; 2];
        file.read_exact(&mut order)?;
        Ok(Self {
            file,
            big_endian: order == *b"MM",
        })
    }

    /// The next bytes, the least significant first.
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        if self.big_endian {
            bytes.reverse();
        }
        Ok(bytes)
    }

    fn u16(&mut self) -> io::Result<u16> {
        self.bytes().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> io::Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> io::Result<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn offset(&mut self, big: bool) -> io::Result<u64> {
        if big {
            self.u64()
        } else {
            self.u32().map(u64::from)
        }
    }
}

/// The file with the interpretation replaced.
#[derive(Debug)]
pub(super) struct AsStored<'a> {
    file: BufReader<Stoppable<'a>>,
    position: u64,
    photometric: Photometric,
}

impl<'a> AsStored<'a> {
    /// Opens the file anew: each thread has its own place in it.
    pub(super) fn open(
        path: &Path,
        photometric: Photometric,
        stop: &'a AtomicBool,
    ) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self {
            file: BufReader::with_capacity(BUFFER_BYTES, Stoppable { file, stop }),
            position: 0,
            photometric,
        })
    }
}

impl Read for AsStored<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        for (at, byte) in (self.photometric.at..).zip(self.photometric.replacement) {
            let place = at
                .checked_sub(self.position)
                .and_then(|place| usize::try_from(place).ok())
                .filter(|&place| place < read);
            if let Some(place) = place {
                buffer[place] = byte;
            }
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for AsStored<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // Within the buffer, no system call is made.
        self.position = match to {
            SeekFrom::Start(target) => match target.checked_signed_diff(self.position) {
                Some(distance) => {
                    self.file.seek_relative(distance)?;
                    target
                }
                None => self.file.seek(to)?,
            },
            _ => self.file.seek(to)?,
        };
        Ok(self.position)
    }
}
