//! The dashboard of `msvpu serve`, as people use it: in Chromium.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod browser;
mod events;
#[path = "../common/server.rs"]
mod server;

use std::path::Path;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use browser::Browser;
use serde_json::json;
use server::Server;

const SIDE: u32 = 700;

/// A picture of three bands that takes its time.
fn noise() -> Vec<u8> {
    let mut state = 1_u32;
    let samples = (0..SIDE * SIDE * 3).map(|_| {
        // Numerical Recipes' linear congruential generator.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let samples: Vec<u8> = samples.collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, SIDE, SIDE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&samples).unwrap();
    writer.finish().unwrap();
    file
}

/// Waits for a download to have its name.
async fn downloaded(path: &Path) -> Vec<u8> {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let looking = async {
        while !path.exists() {
            looks.tick().await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), looking).await;
    assert!(found.is_ok(), "{} does not come", path.display());
    std::fs::read(path).unwrap()
}

const STATE: &str = "document.querySelector('[data-testid=job-state]')?.textContent";
const DROP: &str = "
    const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], 'noise ä.png', { type: 'image/png' }));
    const zone = document.querySelector('[data-testid=drop-zone]');
    for (const name of ['dragenter', 'dragover', 'drop']) {
        const event = new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer: files });
        zone.dispatchEvent(event);
    }";
/// The drawn curve, and the iteration that it has come to.
const CURVE: &str = "
    const card = document.querySelector('[data-testid=convergence]');
    const iteration = /iteration ([0-9,]+)/.exec(card.innerHTML)?.[1];
    return [card.querySelector('canvas').toDataURL(), Number(iteration)]";

#[tokio::test]
async fn a_scene_is_dropped_watched_looked_at_downloaded_and_another_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let downloads = folder.path().join("downloads");
    std::fs::create_dir(&downloads).unwrap();
    let server = Server::start(&folder.path().join("data"));
    let browser = Browser::start(&folder.path().join("profile"), &downloads).await;
    browser.client.goto(&server.url).await.unwrap();

    browser.click("nav-new").await;
    browser.find("drop-zone").await;
    let picture = Base64::encode_string(&noise());
    browser.run(DROP, vec![json!(picture)]).await;
    let uploaded = "document.querySelector('[data-testid=file]')?.innerText.includes('700')";
    browser.until("the upload is taken", uploaded).await;
    // Radio buttons are hidden behind their labels.
    let choose = "document.querySelector('[data-testid=service-fuzzy-cmeans]').click()";
    browser.run(choose, Vec::new()).await;
    browser.write("field-start-classes", "20").await;
    browser.write("field-epsilon", "0.000001").await;
    browser.write("field-max_iterations", "60").await;
    browser.click("submit").await;

    browser
        .until("it runs", &format!("({STATE}) === 'Running'"))
        .await;
    let drawn =
        "/iteration [0-9]+/.test(document.querySelector('[data-testid=convergence]').innerHTML)";
    browser.until("a curve is drawn", drawn).await;
    let before = browser.run(CURVE, Vec::new()).await;
    let moved = format!(
        "(() => {{ const [curve, iteration] = (() => {{ {CURVE} }})(); return iteration > {} && curve }})()",
        before[1]
    );
    let after = browser.until("the curve moves", &moved).await;
    assert_ne!(after, before[0], "and is drawn anew");

    browser
        .until("it is done", &format!("({STATE}) === 'Done'"))
        .await;
    let map = "(() => {
        const frame = document.querySelector('[data-testid=map-frame]');
        const shown = [...frame?.querySelectorAll('canvas, img') ?? []];
        return shown.length >= 2 && shown.every((e) => (e.naturalWidth ?? e.width) > 0);
    })()";
    browser.until("scene and labels are shown", map).await;
    let classes = "document.querySelectorAll('[data-testid^=class-toggle-]').length";
    assert_eq!(browser.until("the legend", classes).await, 20);

    browser.click("download-labels.png").await;
    let labels = downloaded(&downloads.join("labels.png")).await;
    let decoder = png::Decoder::new(std::io::Cursor::new(labels));
    let reader = decoder.read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (SIDE, SIDE));

    // The same again, and not to its end.
    browser.click("again").await;
    browser.click("submit").await;
    browser
        .until("the second runs", &format!("({STATE}) === 'Running'"))
        .await;
    browser.click("cancel").await;
    let cancelled = format!("({STATE}) === 'Cancelled'");
    browser.until("it is cancelled", &cancelled).await;
    browser.client.refresh().await.unwrap();
    browser.until("and stays so", &cancelled).await;
    browser.click("nav-jobs").await;
    let rows = "document.querySelectorAll('[data-testid=job-row]').length === 2";
    browser.until("both are listed", rows).await;

    browser.end().await;
    server.end();
}
