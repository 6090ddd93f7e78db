//! What clients hand in: few kinds of jobs, whose results do not depend on how often they were begun.

use serde_json::{Value, json};
use uuid::Uuid;

/// A kind of job: a picture, and what is asked of it.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) picture: Vec<u8>,
    service: &'static str,
    params: Value,
    outputs: &'static [&'static str],
}

/// Uploads and artifacts of one that is small ride on the commits of its records, those of one that is large do not
/// (see `web/src/store`).
pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        Kind {
            name: "small",
            picture: noise(64),
            service: "cmeans",
            params: json!({"start": {"classes": 3}}),
            outputs: &["labels", "preview", "chart"],
        },
        Kind {
            name: "fuzzy",
            picture: noise(48),
            service: "fuzzy-cmeans",
            params: json!({"start": {"classes": 2}, "max_iterations": 5, "memberships": true}),
            outputs: &["labels", "memberships"],
        },
        Kind {
            name: "large",
            picture: noise(600),
            service: "cmeans",
            params: json!({"start": {"classes": 40}, "max_iterations": 3}),
            outputs: &["labels", "masks"],
        },
    ]
}

impl Kind {
    /// The job as it is asked for with a picture that is there already, or else beside one.
    pub(crate) fn job(&self, key: &str, upload: Option<Uuid>) -> Value {
        let mut job = json!({
            "service": self.service,
            "params": self.params,
            "outputs": self.outputs,
            "metadata": {"key": key, "kind": self.name},
        });
        if let Some(upload) = upload {
            job["input"] = json!({"upload_id": upload});
        }
        job
    }

    /// The job and the picture in one request, and how to say so.
    pub(crate) fn form(&self, key: &str) -> (&'static str, Vec<u8>) {
        let job = self.job(key, None);
        let mut body = format!(
            "--limit\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{job}\r\n--limit\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{}.png\"\r\n\r\n",
            self.name
        )
        .into_bytes();
        body.extend(&self.picture);
        body.extend(b"\r\n--limit--\r\n");
        ("multipart/form-data; boundary=limit", body)
    }
}

/// A square picture without a pattern, of one band.
fn noise(side: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let samples = (0..side * side).map(|_| {
        // Numerical Recipes' linear congruential generator; its high bits.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let samples: Vec<u8> = samples.collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&samples).unwrap();
    writer.finish().unwrap();
    file
}
