//! Chromium without a window, driven over WebDriver.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// Nothing may hang: what takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(20);

/// A browser of a test's own; it ends with it.
pub(crate) struct Browser {
    driver: Child,
    pub(crate) client: Client,
}

impl Browser {
    /// Starts one that writes its downloads to a directory.
    pub(crate) async fn start(profile: &Path, downloads: &Path) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is needed: apt-get install chromium chromium-driver");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| {
                let port = line.strip_suffix('.')?.rsplit_once("on port ")?.1;
                port.parse::<u16>().ok()
            })
            .expect("chromedriver says its port");
        let profile = format!("--user-data-dir={}", profile.display());
        let capabilities = json!({
            "goog:chromeOptions": {
                "args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update", "--disable-sync",
                    "--disable-dev-shm-usage", "--window-size=1440,1000", profile,
                ],
                "prefs": { "download.default_directory": downloads },
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else {
            unreachable!()
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromium is needed: apt-get install chromium chromium-driver");
        Self { driver, client }
    }

    /// What the page calls so.
    pub(crate) async fn find(&self, testid: &str) -> Element {
        let css = format!("[data-testid='{testid}']");
        let found = self.client.wait().at_most(PATIENCE);
        found.for_element(Locator::Css(&css)).await.unwrap()
    }

    pub(crate) async fn click(&self, testid: &str) {
        let element = self.find(testid).await;
        // It may be below what is seen.
        self.run(
            "arguments[0].scrollIntoView({block: 'center'})",
            vec![serde_json::to_value(&element).unwrap()],
        )
        .await;
        element.click().await.unwrap();
    }

    /// Puts a text in the place of what the input of a field holds.
    pub(crate) async fn write(&self, testid: &str, text: &str) {
        let field = self.find(testid).await;
        let field = field.find(Locator::Css("input")).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Waits until an expression of the page is true, and gives its value.
    pub(crate) async fn until(&self, what: &str, expression: &str) -> Value {
        let script = format!("return ({expression}) || null");
        let mut looks = tokio::time::interval(LOOK);
        let looking = async {
            loop {
                looks.tick().await;
                let value = self.run(&script, Vec::new()).await;
                if !value.is_null() {
                    return value;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(value) => value,
            Err(_) => panic!(
                "{what}: not after minutes; the page says: {}",
                self.text().await
            ),
        }
    }

    async fn text(&self) -> Value {
        self.run("return document.body.innerText", Vec::new()).await
    }

    pub(crate) async fn end(self) {
        self.client.clone().close().await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
