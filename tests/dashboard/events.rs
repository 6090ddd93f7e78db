//! What the dashboard makes of a stream of events that goes on after a crash of the server.

use serde_json::json;

use crate::browser::Browser;
use crate::server::Server;

/// Two streams of a job: the first breaks off, and of its events two are lost in a crash.
const FOLLOW: &str = "
    const event = (generation, id, event) =>
        `id: ${generation}-${id}\\nevent: ${event}\\ndata: ${JSON.stringify({ id, event })}\\n\\n`;
    const streams = [
        event(1, 1, 'log') + event(1, 2, 'log') + event(1, 3, 'log') + event(1, 4, 'log'),
        event(2, 3, 'log') + event(2, 4, 'done'),
    ];
    const told = [];
    const { fetch } = window;
    window.fetch = async (address, options) => {
        if (!address.endsWith('/jobs/x/events')) return fetch(address, options);
        told.push(`asked after ${options.headers['Last-Event-ID']}`);
        return new Response(streams.shift());
    };
    import('/assets/sse.js')
        .then(({ follow }) => follow('jobs/x/events', {
            signal: new AbortController().signal,
            onEvent: (event, id) => told.push(id),
            onAnew: (first) => told.push(`anew from ${first}`),
        }))
        .then(() => (window.told = told));";

#[tokio::test]
async fn what_a_crash_took_is_told_anew_and_the_end_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let browser = Browser::start(&folder.path().join("profile"), folder.path()).await;
    browser.client.goto(&server.url).await.unwrap();
    browser.run(FOLLOW, Vec::new()).await;
    browser.until("all is told", "window.told").await;
    let told = browser.run("return window.told", Vec::new()).await;
    let expected = json!([
        "asked after undefined",
        "1-1",
        "1-2",
        "1-3",
        "1-4",
        "asked after 1-4",
        "anew from 3",
        "2-3",
        "2-4",
    ]);
    assert_eq!(told, expected);
    browser.end().await;
    server.end();
}
