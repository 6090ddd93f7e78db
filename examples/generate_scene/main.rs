//! Generates the scene of the README: a lake, a winding river, fields and a town, as a satellite might see them.
//!
//! `cargo run --release --example generate_scene -- [--rgb] [FILE]` (default: `scene.png`). Always the same
//! pixels: all randomness comes from one seed, and no step depends on the machine.

mod scene;

use std::{error::Error, fs::File, io::BufWriter, path::PathBuf};

use scene::{HEIGHT, WIDTH};

fn main() -> Result<(), Box<dyn Error>> {
    let mut rgb = false;
    let mut path = PathBuf::from("scene.png");
    for argument in std::env::args_os().skip(1) {
        if argument == "--rgb" {
            rgb = true;
        } else {
            path = argument.into();
        }
    }
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(&path)?), WIDTH, HEIGHT);
    encoder.set_compression(png::Compression::High);
    let samples = if rgb {
        encoder.set_color(png::ColorType::Rgb);
        scene::rgb()
    } else {
        encoder.set_color(png::ColorType::Grayscale);
        scene::gray()
    };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&samples)?;
    writer.finish()?;
    println!("{}: {WIDTH} x {HEIGHT} pixels", path.display());
    Ok(())
}
