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

/// A job whose end is heard while its page is to be seen; then the page is hidden for long, and seen again. Tells how
/// often its events were asked for.
const LEAVE_AND_COME_BACK: &str = r#"
    const job = { id: 'x', state: 'RUNNING', revision: 1, progress: {}, result: null };
    const end = 'id: 1-1\nevent: done\ndata: {"id":1,"event":"done","state":"SUCCEEDED"}\n\n';
    let asked = 0;
    const { fetch, setTimeout } = window;
    window.fetch = async (address, options) => {
        if (address.endsWith('/jobs/x')) return new Response(JSON.stringify(job));
        if (!address.endsWith('/jobs/x/events')) return fetch(address, options);
        asked += 1;
        return new Response(end);
    };
    // So long a hidden page keeps its stream.
    window.setTimeout = (action, ms, ...rest) => ms === 20000 ? action() : setTimeout(action, ms, ...rest);
    const look = (hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    };
    const changed = ({ log }) => {
        if (log.length !== 1 || window.asked) return;
        look(true);
        look(false);
        window.asked = asked;
    };
    import('/assets/job/model.js').then(({ watch }) =>
        watch(job, new AbortController().signal, { changed, failed: (error) => (window.asked = String(error)) }));"#;

/// The events of a job that has ended, asked for while the server is away: what has come when it is back.
const AWAY_AT_THE_END: &str = r#"
    const job = { id: 'x', state: 'SUCCEEDED', revision: 1, progress: {}, result: null };
    let isAway = true;
    const { fetch } = window;
    window.fetch = async (address, options) => {
        if (!/\/jobs\/x|healthz/.test(address)) return fetch(address, options);
        if (isAway) throw new TypeError('away');
        return new Response(JSON.stringify(/events/.test(address)
            ? { events: [{ id: 1, event: 'iteration', iteration: 1 }] }
            : job));
    };
    const changed = ({ iterations }) => (window.rows = iterations.length);
    Promise.all([import('/assets/job/model.js'), import('/assets/connection.js')]).then(([{ watch }, { probe }]) => {
        const failed = () => setTimeout(() => {
            isAway = false;
            probe();
        });
        watch(job, new AbortController().signal, { changed, failed });
    });"#;

#[tokio::test]
async fn a_page_that_has_heard_the_end_asks_no_more_and_one_that_could_not_hear_asks_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let browser = Browser::start(&folder.path().join("profile"), folder.path()).await;
    browser.client.goto(&server.url).await.unwrap();
    browser.run(LEAVE_AND_COME_BACK, Vec::new()).await;
    let asked = browser
        .until("the page is seen again", "window.asked")
        .await;
    assert_eq!(asked, json!(1));
    browser.client.refresh().await.unwrap();
    browser.run(AWAY_AT_THE_END, Vec::new()).await;
    browser
        .until(
            "the events come when the server is back",
            "window.rows === 1",
        )
        .await;
    browser.end().await;
    server.end();
}
