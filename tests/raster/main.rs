//! Pictures in and out, against independent encoders and decoders.

mod fixtures;
mod formats;
mod hostile;
mod support;
mod tiffs;
mod writing;
