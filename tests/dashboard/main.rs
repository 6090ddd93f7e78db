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

/// Whether the class that is white has an edge, in the legend and on the bar of its area.
const EDGED: &str = "(() => {
    const row = document.querySelector('[data-testid=class-toggle-10]')?.closest('.class-row');
    const swatch = row?.querySelector('.swatch');
    const shadows = () => [
        getComputedStyle(swatch).boxShadow,
        getComputedStyle(row.querySelector('.class-bar'), '::before').boxShadow,
    ];
    const white = swatch?.style.getPropertyValue('--color').trim() === '#ffffff';
    return white && shadows().every((shadow) => shadow !== '' && shadow !== 'none');
})()";

/// How many rounds of the team are drawn.
const ROUNDS: &str = "Number(document.querySelector('[data-testid=lanes]')?.dataset.rounds ?? 0)";
/// How many points of the drawing have the colour of each kind of time.
const COLORS: &str = "(() => {
    const frame = document.querySelector('[data-testid=lanes]');
    const canvas = frame.querySelector('canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const style = getComputedStyle(frame);
    return ['compute', 'wait', 'transfer'].map((kind) => {
        const color = parseInt(style.getPropertyValue(`--lane-${kind}`).trim().slice(1), 16);
        let points = 0;
        for (let at = 0; at < data.length; at += 4)
            points += ((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]) === color;
        return points;
    });
})()";
const READOUT: &str = "document.querySelector('[data-testid=lanes-readout]').textContent";

/// The team over time: all that was told of, to be read by eye, by key and as a table.
async fn look_at_the_team(browser: &Browser, rounds: u64) {
    let told = format!("({ROUNDS}) === {rounds}");
    browser.until("all rounds are told of", &told).await;
    let points = browser.until("it is drawn", COLORS).await;
    let points: Vec<u64> = serde_json::from_value(points).unwrap();
    assert!(
        points[0] > 1000 && points[1] > 100,
        "computed and waited: {points:?}"
    );
    let shares = "(() => {
        const shares = [...document.querySelectorAll('.lanes-legend strong')].map((e) => e.textContent);
        return shares.length === 3 && shares.every((share) => share.endsWith('%'));
    })()";
    browser.until("how much of each", shares).await;

    let lanes = browser.find("lanes").await;
    lanes.send_keys("\u{E00E}\u{E011}").await.unwrap();
    let first =
        format!("/^MsVPU 0 · .+ · Round 1 · compute .+ · wait .+ · transfer /.test({READOUT})");
    browser.until("the first is read out", &first).await;
    lanes.send_keys("\u{E015}\u{E010}").await.unwrap();
    let last = format!("/^MsVPU 1 · .+ · Assembling · /.test({READOUT})");
    browser.until("the next in the end", &last).await;
    let whole = browser.run(DRAWN, Vec::new()).await;
    lanes.send_keys("+").await.unwrap();
    let closer = browser.run(DRAWN, Vec::new()).await;
    assert_ne!(closer, whole, "closer");
    lanes.send_keys("0").await.unwrap();
    assert_eq!(browser.run(DRAWN, Vec::new()).await, whole, "and all again");

    let table = "(() => {
        const fold = document.querySelector('[data-testid=timeline-table]');
        fold.open = true;
        const lanes = Number(document.querySelector('[data-testid=lanes]').dataset.lanes);
        return lanes > 1 && fold.querySelectorAll('tbody tr').length === lanes;
    })()";
    browser.until("each has a row in the table", table).await;
}

const DRAWN: &str = "return document.querySelector('[data-testid=lanes] canvas').toDataURL()";

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
    // Long enough to be looked at, and no more rounds than are kept.
    browser.write("field-max_iterations", "240").await;
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
    let rounds = browser
        .until("the team is drawn while it works", ROUNDS)
        .await;
    let more = format!("({ROUNDS}) > {rounds}");
    browser.until("and so is what it does then", &more).await;

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
    browser.until("white is seen on white", EDGED).await;

    browser.click("download-labels.png").await;
    let labels = downloaded(&downloads.join("labels.png")).await;
    let decoder = png::Decoder::new(std::io::Cursor::new(labels));
    let reader = decoder.read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (SIDE, SIDE));

    let rows = "Number(/([0-9,]+) row/.exec(document.querySelector('[data-testid=iterations]')?.textContent)?.[1])";
    let rows = browser
        .until("how many iterations", rows)
        .await
        .as_u64()
        .unwrap();
    // One asks what the scene holds; at the end the labels are made.
    look_at_the_team(&browser, rows + 2).await;
    browser.client.refresh().await.unwrap();
    look_at_the_team(&browser, rows + 2).await;

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
